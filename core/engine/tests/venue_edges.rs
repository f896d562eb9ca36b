//! What the practice venue does at its edges, from both sides of each comparison: a bar's volume that orders share,
//! stops of shorts, whose protection a position has, what counts as working, and bars that cannot be.
#![expect(clippy::panic, reason = "tests may stop at a wrong shape")]

mod venue_support;

use deepalpha_engine::matching::{Amendment, Bar, VenueConfig, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::types::UtcNanos;
use venue_support::*;

fn protected(name: &str, side: deepalpha_engine::types::Side, quantity: i64, stop: &str) -> OrderRequest {
    OrderRequest { stop_loss: Some(price(stop)), ..order(name, side, quantity, OrderType::Market) }
}

#[test]
fn the_orders_of_one_bar_share_its_volume() {
    // Ten lots of a hundred may trade.
    let config = VenueConfig { max_participation: Some(ratio("0.1")), ..free() };
    let requests = ["a", "b", "c"].map(|name| order(name, BUY, 7, OrderType::Market));
    let mut venue = with(config, requests);
    let shown = |found: Vec<(String, &'static str)>| found.into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    assert_eq!(shown(fills(&mut venue, &bar(1, ["100"; 4]))), ["buy 7 @ 100", "buy 3 @ 100"]);
    assert_eq!(shown(fills(&mut venue, &bar(2, ["100"; 4]))), ["buy 4 @ 100", "buy 6 @ 100"]);
}

#[test]
fn a_bar_of_no_volume_opens_nothing_and_leaves_a_target_its_touch() {
    // The entry is touched and finds no volume; nothing was opened inside, so the other order's target counts.
    let config = VenueConfig { max_participation: Some(ratio("1")), ..free() };
    let dry = Bar { volume: lots(0), ..bar(2, ["100", "107", "98", "100"]) };
    for (entry, woken) in
        [(OrderType::Limit(price("99")), None), (OrderType::Stop(price("105")), Some("entry trigger triggered: "))]
    {
        let mut venue = with(config.clone(), [order("held", BUY, 10, OrderType::Market)]);
        on(&mut venue, &bar(1, ["100"; 4]));
        let now = UtcNanos(2 * DAY);
        submit(&mut venue, order("entry", BUY, 10, entry), now);
        let exit = OrderRequest { reduce_only: true, ..order("exit", SELL, 10, OrderType::TakeProfit(price("106"))) };
        submit(&mut venue, exit, now);
        let expected: Vec<&str> = woken.into_iter().chain(["exit trigger triggered: "]).collect();
        assert_eq!(steps(&on(&mut venue, &dry)), expected, "the target was touched");
    }
}

#[test]
fn the_stop_of_a_short_is_hit_from_below_and_only_when_touched() {
    let mut venue = with(free(), [protected("short", SELL, 10, "105")]);
    on(&mut venue, &bar(1, ["100"; 4]));
    assert!(fills(&mut venue, &bar(2, ["100", "104.99", "90", "100"])).is_empty());
    let hit = fills(&mut venue, &bar(3, ["100", "105", "99", "100"]));
    assert_eq!(hit, [("buy 10 @ 105".to_owned(), "stop: touched")]);
}

#[test]
fn a_position_has_the_protection_of_the_order_that_opened_or_turned_it() {
    let opened = |more: OrderRequest| {
        let mut venue = with(free(), [protected("a", BUY, 10, "95")]);
        on(&mut venue, &bar(1, ["100"; 4]));
        submit(&mut venue, more, UtcNanos(2 * DAY));
        let found = steps(&on(&mut venue, &bar(2, ["100"; 4])));
        (venue.protection("X"), found)
    };
    let cancelled = |found: &[String]| {
        found.iter().find_map(|step| step.split_once(" cancel cancelled: ")).map(|(_, reason)| reason.to_owned())
    };
    // More of the same, and a part less: what protects stays.
    for (side, quantity) in [(BUY, 5), (SELL, 5)] {
        let (levels, found) = opened(order("b", side, quantity, OrderType::Market));
        assert_eq!(levels, (Some(price("95")), None), "{found:?}");
        assert_eq!(cancelled(&found).as_deref(), Some("position changed"));
    }
    // Turned by an order without a stop: none. By one with a stop: that.
    let (levels, _) = opened(order("b", SELL, 15, OrderType::Market));
    assert_eq!(levels, (None, None));
    let (levels, _) = opened(protected("b", SELL, 15, "106"));
    assert_eq!(levels, (Some(price("106")), None));
    // More, with a stop of its own: that one for all of it.
    let (levels, _) = opened(protected("b", BUY, 5, "97"));
    assert_eq!(levels, (Some(price("97")), None));
    // Closed: none.
    let (levels, found) = opened(order("b", SELL, 10, OrderType::Market));
    assert_eq!((levels, cancelled(&found).as_deref()), ((None, None), Some("position closed")));
}

#[test]
fn a_protective_order_keeps_its_size_when_its_price_is_changed_after_a_part_of_it_traded() {
    let config = VenueConfig { max_participation: Some(ratio("0.04")), ..free() };
    let mut venue = with(config, [protected("a", BUY, 4, "95")]);
    on(&mut venue, &bar(1, ["100"; 4]));
    let protective = venue.working(true).first().copied().unwrap_or_default();
    // Two lots of the four find volume.
    let thin = Bar { volume: lots(50), ..bar(2, ["100", "100", "94", "100"]) };
    assert_eq!(fills(&mut venue, &thin), [("sell 2 @ 95".to_owned(), "stop: touched")]);
    let now = UtcNanos(3 * DAY);
    let same =
        Amendment { quantity: venue.order(&protective).map(|order| order.request.quantity), ..Amendment::default() };
    assert!(venue.amend(protective, same, now).is_ok(), "its own quantity is no change");
    let other = Amendment { quantity: Some(lots(3)), ..Amendment::default() };
    assert!(venue.amend(protective, other, now).is_err(), "it is as large as its position");
}

#[test]
fn a_target_that_is_moved_after_a_part_of_it_traded_is_as_large_as_what_is_left() {
    let config = VenueConfig { max_participation: Some(ratio("0.04")), ..free() };
    let entry = OrderRequest { take_profit: Some(price("110")), ..order("a", BUY, 4, OrderType::Market) };
    let mut venue = with(config, [entry]);
    on(&mut venue, &bar(1, ["100"; 4]));
    let through = |day, volume| Bar { volume: lots(volume), ..bar(day, ["100", "113", "99", "100"]) };
    assert_eq!(fills(&mut venue, &through(2, 50)), [("sell 2 @ 110".to_owned(), "target: traded through")]);
    let target = venue.working(true).first().copied().unwrap_or_default();
    let change = Amendment { limit: Some(price("112")), ..Amendment::default() };
    assert!(venue.amend(target, change, UtcNanos(3 * DAY)).is_ok());
    let found = steps(&on(&mut venue, &through(3, 25)));
    assert_eq!(found, ["a-TP1 fill partially_filled: target: traded through"], "nothing had to be resized");
}

#[test]
fn an_iceberg_that_is_made_smaller_shows_no_more_than_it_is() {
    let iceberg = OrderRequest { display: Some(lots(5)), ..order("a", BUY, 20, OrderType::Limit(price("90"))) };
    let mut venue = with(free(), [iceberg]);
    for (quantity, shown) in [(8, 5), (3, 3)] {
        let change = Amendment { quantity: Some(lots(quantity)), ..Amendment::default() };
        assert!(venue.amend(id("a"), change, UtcNanos(DAY)).is_ok());
        let request = venue.order("a").map(|order| (order.request.quantity, order.request.display));
        assert_eq!(request, Some((lots(quantity), Some(lots(shown)))));
    }
}

#[test]
fn what_works_adds_up_and_orders_that_only_reduce_do_not_count() {
    let mut venue = with(free(), [protected("a", BUY, 10, "95")]);
    on(&mut venue, &bar(1, ["100"; 4]));
    let now = UtcNanos(2 * DAY);
    for (name, quantity) in [("b", 3), ("c", 4)] {
        submit(&mut venue, order(name, BUY, quantity, OrderType::Limit(price("90"))), now);
    }
    let exit = OrderRequest { reduce_only: true, ..order("exit", SELL, 10, OrderType::Limit(price("120"))) };
    submit(&mut venue, exit, now);
    let view = venue.account_view().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(view.working.get("X").copied(), Some(money("630")), "seven at 90, neither the stop nor the exit");
}

#[test]
fn a_bar_whose_open_or_close_lies_outside_of_it_changes_nothing() {
    for prices in [
        ["102", "101", "99", "100"],
        ["100", "101", "99", "102"],
        ["98", "101", "99", "100"],
        ["100", "101", "99", "98"],
        ["100", "101", "0", "100"],
    ] {
        let mut venue = with(free(), [order("a", BUY, 1, OrderType::Market)]);
        let before = venue.state_hash();
        assert!(venue.on_bar(&bar(1, prices)).is_err(), "{prices:?}");
        assert_eq!(venue.state_hash(), before);
        assert!(on(&mut venue, &bar(1, ["100"; 4])).iter().any(|event| matches!(event, VenueEvent::Fill(_))));
    }
}
