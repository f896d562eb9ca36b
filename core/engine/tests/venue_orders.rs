//! The practice venue: every order type and option by example.
#![expect(clippy::panic, reason = "tests may stop at a wrong shape")]

mod venue_support;

use deepalpha_engine::matching::{Amendment, Bar, FeeModel, VenueConfig};
use deepalpha_engine::orders::{OrderRequest, OrderType, PositionSide, TimeInForce, TrailOffset};
use deepalpha_engine::types::{ClientOrderId, UtcNanos};
use venue_support::*;

fn one(text: &str, reason: &'static str) -> Vec<(String, &'static str)> {
    vec![(text.to_owned(), reason)]
}

fn half() -> VenueConfig {
    VenueConfig { max_participation: Some(ratio("0.05")), ..free() }
}

#[test]
fn a_buy_stop_wakes_when_touched_and_at_the_open_when_jumped_over() {
    let stop = order("a", BUY, 10, OrderType::Stop(price("105")));
    let mut venue = with(VenueConfig::simple(ratio("0"), ratio("0.001")), [stop]);
    assert!(fills(&mut venue, &bar(1, ["100", "104.99", "99", "101"])).is_empty());
    let found = on(&mut venue.clone(), &bar(2, ["101", "106", "100", "104"]));
    assert_eq!(steps(&found), ["a trigger triggered: ", "a fill filled: triggered: touched"]);
    assert_eq!(
        fills(&mut venue.clone(), &bar(2, ["101", "106", "100", "104"])),
        one("buy 10 @ 105.11", "triggered: touched")
    );
    assert_eq!(
        fills(&mut venue, &bar(2, ["107", "108", "100", "104"])),
        one("buy 10 @ 107.11", "triggered: at the open")
    );
}

#[test]
fn a_stop_limit_takes_up_to_its_limit_and_rests_when_the_gap_is_beyond_it() {
    let made = order("a", BUY, 10, OrderType::StopLimit { trigger: price("105"), limit: price("105.05") });
    let mut venue = with(VenueConfig::simple(ratio("0"), ratio("0.001")), [made]);
    let touched = bar(1, ["101", "106", "100", "104"]);
    assert_eq!(
        fills(&mut venue.clone(), &touched),
        one("buy 10 @ 105.05", "triggered: touched"),
        "not beyond the limit"
    );
    let gap = bar(1, ["107", "108", "106", "107"]);
    assert!(fills(&mut venue, &gap).is_empty());
    assert_eq!(state(&venue, "a"), "triggered");
    let back = bar(2, ["107", "108", "105", "106"]);
    assert_eq!(fills(&mut venue, &back), one("buy 10 @ 105.05", "limit: traded through"));
}

#[test]
fn a_stop_limit_that_could_not_take_at_its_trigger_waits_for_the_next_bar() {
    let made = order("a", SELL, 10, OrderType::StopLimit { trigger: price("95"), limit: price("97") });
    let mut venue = with(free(), [made]);
    assert!(fills(&mut venue, &bar(1, ["100", "101", "94", "100"])).is_empty(), "97 may have been before 95");
    assert_eq!(fills(&mut venue, &bar(2, ["96", "98", "95", "96"])), one("sell 10 @ 97", "limit: traded through"));
}

#[test]
fn a_take_profit_wakes_at_a_touch_but_not_in_a_bar_that_opened_a_position() {
    let target = OrderType::TakeProfit(price("106"));
    let mut venue = with(free(), [order("a", SELL, 10, target)]);
    assert_eq!(fills(&mut venue, &bar(1, ["100", "106", "99", "101"])), one("sell 10 @ 106", "triggered: touched"));
    let entry = order("a", BUY, 10, OrderType::Limit(price("99")));
    let exit = OrderRequest { reduce_only: true, ..order("b", SELL, 10, target) };
    let mut venue = with(free(), [entry, exit]);
    let wide = bar(1, ["100", "107", "98", "100"]);
    assert_eq!(fills(&mut venue, &wide), one("buy 10 @ 99", "limit: traded through"), "106 may have been before 99");
    assert_eq!(fills(&mut venue, &bar(2, ["100", "106", "99", "100"])), one("sell 10 @ 106", "triggered: touched"));
}

#[test]
fn a_take_profit_limit_does_not_sell_below_its_limit() {
    let made = OrderType::TakeProfitLimit { trigger: price("106"), limit: price("105.95") };
    let mut venue = with(VenueConfig::simple(ratio("0"), ratio("0.01")), [order("a", SELL, 10, made)]);
    assert_eq!(fills(&mut venue, &bar(1, ["100", "107", "99", "101"])), one("sell 10 @ 105.95", "triggered: touched"));
}

#[test]
fn a_trailing_stop_follows_the_extremes_of_closed_bars_only() {
    let trail = OrderType::TrailingStop(TrailOffset::Price(price("5")));
    let mut venue = with(free(), [order("a", SELL, 10, trail)]);
    let found = on(&mut venue, &bar(1, ["100", "110", "96", "108"]));
    assert_eq!(
        steps(&found),
        ["a amend accepted: best=110 level=105"],
        "96 is above 95, and 110 may have come after it"
    );
    assert!(fills(&mut venue, &bar(2, ["108", "109", "106", "107"])).is_empty());
    assert_eq!(fills(&mut venue, &bar(3, ["107", "108", "104", "107"])), one("sell 10 @ 105", "triggered: touched"));
}

#[test]
fn a_close_beyond_the_new_level_proves_that_the_trailing_stop_was_hit() {
    let trail = OrderType::TrailingStop(TrailOffset::Percent(ratio("0.05")));
    let mut venue = with(free(), [order("a", SELL, 10, trail)]);
    let found = fills(&mut venue, &bar(1, ["100", "120", "99", "110"]));
    assert_eq!(found, one("sell 10 @ 110", "triggered: closed beyond it"), "120 came before 110, and 114 between");
}

#[test]
fn a_trailing_buy_by_atr_follows_down() {
    let trail = OrderType::TrailingStop(TrailOffset::Atr { multiple: ratio("2"), range: price("1.5") });
    let mut venue = with(free(), [order("a", BUY, 10, trail)]);
    assert!(fills(&mut venue, &bar(1, ["100", "102", "90", "92"])).is_empty());
    assert_eq!(venue.trail("a").map(|state| state.level), Some(price("93")));
    assert_eq!(fills(&mut venue, &bar(2, ["95", "96", "92", "95"])), one("buy 10 @ 95", "triggered: at the open"));
}

#[test]
fn ioc_takes_what_the_next_open_gives_and_fok_all_or_nothing() {
    let immediate =
        |name, quantity, time_in_force| OrderRequest { time_in_force, ..order(name, BUY, quantity, OrderType::Market) };
    let mut venue = with(half(), [immediate("a", 8, TimeInForce::Fok), immediate("b", 8, TimeInForce::Ioc)]);
    let found = on(&mut venue, &bar(1, ["100"; 4]));
    assert_eq!(
        steps(&found),
        [
            "a expire expired: fok: not all of it could be done at the open",
            "b fill partially_filled: market: at the open",
            "b expire expired: ioc: the rest could not be done at the open",
        ]
    );
    let away = OrderRequest { time_in_force: TimeInForce::Ioc, ..order("c", BUY, 1, OrderType::Limit(price("99"))) };
    submit(&mut venue, away, UtcNanos(2 * DAY));
    assert!(fills(&mut venue, &bar(2, ["100", "101", "98", "100"])).is_empty(), "at once is the open, not the bar");
    assert_eq!(state(&venue, "c"), "expired");
}

#[test]
fn gtd_and_day_end_on_time_and_never_fill_in_a_bar_that_ends_after_it() {
    let limit =
        |name, time_in_force| OrderRequest { time_in_force, ..order(name, BUY, 1, OrderType::Limit(price("99"))) };
    let noon = TimeInForce::Gtd(UtcNanos(2 * DAY + DAY / 2));
    let mut venue =
        with(free(), [limit("a", noon), limit("b", TimeInForce::Day), limit("c", TimeInForce::Gtd(UtcNanos(3 * DAY)))]);
    assert!(fills(&mut venue, &bar(1, ["100", "101", "99.5", "100"])).is_empty());
    assert_eq!([state(&venue, "a"), state(&venue, "b")], ["accepted", "expired"]);
    assert_eq!(fills(&mut venue, &bar(2, ["100", "101", "98", "100"])), one("buy 1 @ 99", "limit: traded through"));
    assert_eq!([state(&venue, "a"), state(&venue, "c")], ["expired", "filled"], "a might have filled in the afternoon");
}

#[test]
fn post_only_is_cancelled_when_the_first_open_takes_it_and_a_maker_later() {
    let quiet = OrderRequest { post_only: true, ..order("a", BUY, 10, OrderType::Limit(price("100"))) };
    let config = VenueConfig { fees: FeeModel::Flat { maker: ratio("-0.0001"), taker: ratio("0.001") }, ..free() };
    let mut venue = with(config.clone(), [quiet]);
    let found = on(&mut venue, &bar(1, ["99.5", "101", "99", "100"]));
    assert_eq!(steps(&found), ["a cancel cancelled: post-only: the open 99.5 would have been taken"]);
    let mut venue = with(config, [quiet]);
    assert!(fills(&mut venue, &bar(1, ["101", "102", "100", "101"])).is_empty());
    assert_eq!(fills(&mut venue, &bar(2, ["99", "101", "98", "100"])), one("buy 10 @ 99", "limit: at the open"));
    assert_eq!(venue.portfolio().totals().map(|totals| totals.fees).ok(), Some(money("-0.099")), "a rebate");
}

#[test]
fn reduce_only_never_opens_and_never_flips() {
    let reduce = |name, quantity| OrderRequest { reduce_only: true, ..order(name, SELL, quantity, OrderType::Market) };
    let mut venue = with(free(), [reduce("a", 5), order("b", BUY, 3, OrderType::Market), reduce("c", 5)]);
    let found = on(&mut venue, &bar(1, ["100"; 4]));
    assert_eq!(
        steps(&found),
        [
            "a cancel cancelled: nothing left to reduce",
            "b fill filled: market: at the open",
            "c fill partially_filled: market: at the open",
            "c cancel cancelled: nothing left to reduce",
        ]
    );
    assert_eq!(venue.portfolio().quantity("X").raw(), 0);
}

#[test]
fn of_an_oco_group_one_order_trades_and_stop_comes_before_target() {
    let grouped = |name, order_type| OrderRequest { oco_group: id("g"), ..order(name, SELL, 5, order_type) };
    let pair = [grouped("a", OrderType::Limit(price("106"))), grouped("b", OrderType::Stop(price("95")))];
    let mut venue = with(free(), pair);
    let found = on(&mut venue, &bar(1, ["100", "110", "90", "100"]));
    assert_eq!(
        steps(&found),
        ["b trigger triggered: ", "b fill filled: triggered: touched", "a cancel cancelled: oco: b traded"]
    );
    let late = approve(&venue, grouped("c", OrderType::Limit(price("106"))), UtcNanos(2 * DAY));
    let refused = venue.submit(late, UtcNanos(2 * DAY)).map_err(|error| error.to_string());
    assert_eq!(refused, Err("order c: an order has traded already in the oco group g; use a new group".to_owned()));
}

#[test]
fn participation_spreads_a_fill_over_bars_and_a_bracket_follows() {
    let mut entry = order("a", BUY, 8, OrderType::Market);
    (entry.stop_loss, entry.take_profit) = (Some(price("95")), Some(price("120")));
    let mut venue = with(half(), [entry]);
    assert_eq!(fills(&mut venue, &bar(1, ["100"; 4])), one("buy 5 @ 100", "market: at the open"));
    assert_eq!(state(&venue, "a"), "partially_filled");
    assert_eq!(fills(&mut venue, &bar(2, ["101"; 4])), one("buy 3 @ 101", "market: at the open"));
    assert_eq!(venue.working(true), ["a-SL2", "a-TP2"].map(id));
    let found = on(&mut venue, &bar(3, ["100", "121", "94", "96"]));
    assert_eq!(
        steps(&found),
        [
            "a-SL2 trigger triggered: ",
            "a-SL2 fill partially_filled: stop: touched",
            "a-TP2 amend accepted: quantity=3; the position changed",
        ]
    );
    assert_eq!(fills(&mut venue, &bar(4, ["93"; 4])), one("sell 3 @ 93", "stop: the rest, at the open"));
    assert!(venue.working(true).is_empty());
    assert_eq!(state(&venue, "a-TP2"), "cancelled");
}

#[test]
fn amending_changes_price_and_quantity_and_below_the_filled_cancels_the_rest() {
    let now = UtcNanos(DAY);
    let mut venue = with(half(), [order("a", BUY, 20, OrderType::Limit(price("99")))]);
    let raise = Amendment { quantity: Some(lots(21)), ..Amendment::default() };
    assert!(venue.amend(id("a"), raise, now).is_err(), "more risk is a new order");
    let off_tick = Amendment { limit: Some(price("99.001")), ..Amendment::default() };
    assert!(venue.amend(id("a"), off_tick, now).is_err());
    let none = Amendment { trigger: Some(price("98")), ..Amendment::default() };
    assert!(venue.amend(id("a"), none, now).is_err());
    assert_eq!(venue.order("a").map(|order| order.request.quantity), Some(lots(20)), "nothing was changed");
    let change = Amendment { quantity: Some(lots(12)), limit: Some(price("98")), trigger: None };
    let found = venue.amend(id("a"), change, now).unwrap_or_default();
    assert_eq!(steps(&found), ["a amend accepted: quantity=12 limit=98"]);
    assert_eq!(fills(&mut venue, &bar(1, ["100", "101", "97", "99"])), one("buy 5 @ 98", "limit: traded through"));
    let below = Amendment { quantity: Some(lots(5)), ..Amendment::default() };
    let found = venue.amend(id("a"), below, UtcNanos(2 * DAY)).unwrap_or_default();
    assert_eq!(steps(&found), ["a cancel cancelled: amended to 5, and 5 are filled"]);
    assert!(venue.amend(id("a"), below, UtcNanos(2 * DAY)).is_err(), "it is closed");
}

#[test]
fn an_amended_price_does_not_count_in_a_bar_that_began_before_it() {
    let mut venue = with(free(), [order("a", BUY, 1, OrderType::Limit(price("90")))]);
    let change = Amendment { limit: Some(price("99")), ..Amendment::default() };
    assert!(venue.amend(id("a"), change, UtcNanos(DAY + 1)).is_ok());
    assert!(fills(&mut venue, &bar(1, ["100", "101", "95", "100"])).is_empty());
    assert_eq!(fills(&mut venue, &bar(2, ["100", "101", "98", "100"])), one("buy 1 @ 99", "limit: traded through"));
}

#[test]
fn a_protective_order_can_be_moved_or_taken_away() {
    let mut entry = order("a", BUY, 8, OrderType::Market);
    (entry.stop_loss, entry.take_profit) = (Some(price("95")), Some(price("120")));
    let mut venue = with(free(), [entry]);
    on(&mut venue, &bar(1, ["100"; 4]));
    let change = Amendment { trigger: Some(price("98")), ..Amendment::default() };
    assert!(venue.amend(id("a-SL1"), change, UtcNanos(2 * DAY)).is_ok());
    assert!(venue.cancel(id("a-TP1"), UtcNanos(2 * DAY), "by hand").is_ok());
    assert_eq!(venue.protection("X"), (Some(price("98")), None));
    assert_eq!(fills(&mut venue, &bar(2, ["100", "121", "97", "99"])), one("sell 8 @ 98", "stop: touched"));
}

#[test]
fn what_makes_no_sense_is_a_typed_error_and_changes_nothing() {
    let mut venue = with(free(), []);
    let hash = venue.state_hash();
    // The gate refuses what makes no sense by itself; what only time or this venue makes wrong comes as far as here.
    let wrong = [
        OrderRequest { time_in_force: TimeInForce::Gtd(UtcNanos(DAY)), ..order("a", BUY, 1, OrderType::Market) },
        OrderRequest { position_side: PositionSide::Long, ..order("a", BUY, 1, OrderType::Market) },
    ];
    for request in wrong {
        let approved = approve(&venue, request, UtcNanos(DAY - 1));
        assert!(venue.submit(approved, UtcNanos(DAY)).is_err(), "{request:?}");
    }
    assert!(venue.cancel(id("a"), UtcNanos(DAY), "").is_err());
    let shares = Bar { volume: deepalpha_engine::types::Quantity::from_raw(-1), ..bar(1, ["100"; 4]) };
    assert!(venue.on_bar(&shares).is_err());
    assert_eq!(venue.state_hash(), hash);
}

#[test]
fn an_iceberg_is_validated_and_fills_like_any_limit() {
    let made = OrderRequest { display: Some(lots(2)), ..order("a", BUY, 10, OrderType::Limit(price("99"))) };
    let mut venue = with(free(), [made]);
    assert_eq!(fills(&mut venue, &bar(1, ["100", "101", "98", "99"])), one("buy 10 @ 99", "limit: traded through"));
}

#[test]
fn an_id_of_full_length_can_have_a_bracket() {
    let long = "x".repeat(ClientOrderId::LONGEST);
    let mut entry = order(&long, BUY, 8, OrderType::Market);
    entry.stop_loss = Some(price("95"));
    let mut venue = with(free(), [entry]);
    assert_eq!(fills(&mut venue, &bar(1, ["100"; 4])).len(), 1);
    assert_eq!(fills(&mut venue, &bar(2, ["100", "100", "94", "99"])), one("sell 8 @ 95", "stop: touched"));
}
