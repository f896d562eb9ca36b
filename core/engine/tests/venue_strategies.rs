//! What the practice venue tells the gate of strategies and of own resting orders, and that a restart tells the same.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests may stop at a wrong shape")]

mod venue_support;

use deepalpha_engine::matching::{FillRecord, PracticeVenue, RestoredOrder, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, OrderState, OrderType};
use deepalpha_engine::risk::{Limits, Outcome, RiskGate, Verdict};
use deepalpha_engine::types::{StrategyId, UtcNanos};
use venue_support::*;

const NOW: UtcNanos = UtcNanos(2 * DAY);

fn of(strategy: &str, request: OrderRequest) -> OrderRequest {
    OrderRequest { strategy: StrategyId::parse(strategy).unwrap(), ..request }
}

/// Ten lots at 100 that the strategy `one` bought, of an account of 100,000.
fn held() -> (PracticeVenue, Vec<FillRecord>, OrderRequest) {
    let opener = of("one", order("opener", BUY, 10, OrderType::Market));
    let mut venue = with(free(), [opener]);
    let events = on(&mut venue, &bar(1, ["100"; 4]));
    let fill = |event| if let VenueEvent::Fill(fill) = event { Some(fill) } else { None };
    (venue, events.into_iter().filter_map(fill).collect(), opener)
}

fn verdict(venue: &PracticeVenue, request: &OrderRequest) -> Verdict {
    let mut limits = Limits::open();
    limits.set("max_strategy_position", 2_000_000).unwrap();
    limits.set("strategy_leverage", 200_000_000).unwrap();
    let view = venue.account_view().unwrap();
    let gate = RiskGate::new(limits);
    gate.preview(request, &listed("X"), &view, venue.quote("X"), NOW).unwrap()
}

fn measured(verdict: &Verdict, rule: &str) -> (Option<i64>, Outcome) {
    let line = verdict.line(rule).unwrap();
    (line.measure.number(), line.outcome)
}

#[test]
fn a_position_counts_for_the_strategy_that_opened_it() {
    let (venue, ..) = held();
    // Ten lots are held: ten more are 2 % of the account, eleven more are not.
    for (quantity, share, outcome) in [(10, 2_000_000, Outcome::Holds), (11, 2_100_000, Outcome::Breach)] {
        let mine = verdict(&venue, &of("one", order("more", BUY, quantity, OrderType::Market)));
        assert_eq!(measured(&mine, "max_strategy_position"), (Some(share), outcome));
        assert_eq!(measured(&mine, "strategy_leverage"), (Some(share), Outcome::Holds));
    }
    let other = verdict(&venue, &of("two", order("more", BUY, 11, OrderType::Market)));
    assert_eq!(measured(&other, "max_strategy_position"), (Some(1_100_000), Outcome::Holds));
}

#[test]
fn a_working_order_counts_for_its_strategy_and_no_other() {
    let (mut venue, ..) = held();
    submit(&mut venue, of("two", order("waits", BUY, 15, OrderType::Limit(price("90")))), NOW);
    let ask = |strategy| verdict(&venue, &of(strategy, order("more", BUY, 5, OrderType::Market)));
    assert_eq!(measured(&ask("one"), "max_strategy_position"), (Some(1_500_000), Outcome::Holds));
    // 15 lots at 90 work and 5 at 100 are wanted.
    assert_eq!(measured(&ask("two"), "max_strategy_position"), (Some(1_850_000), Outcome::Holds));
    assert_eq!(measured(&ask("two"), "strategy_leverage"), (Some(1_850_000), Outcome::Holds));
}

#[test]
fn an_order_that_would_meet_an_own_resting_one_is_refused() {
    let (mut venue, ..) = held();
    submit(&mut venue, of("one", order("offer", SELL, 9, OrderType::Limit(price("110")))), NOW);
    submit(&mut venue, of("two", order("bid", BUY, 1, OrderType::Limit(price("90")))), NOW);
    let ask =
        |side, order_type| measured(&verdict(&venue, &of("one", order("new", side, 1, order_type))), "self_trade");
    let cases = [
        (BUY, OrderType::Limit(price("109.99")), Outcome::Holds),
        (BUY, OrderType::Limit(price("110")), Outcome::Breach),
        (BUY, OrderType::Market, Outcome::Breach),
    ];
    for (side, order_type, outcome) in cases {
        assert_eq!(ask(side, order_type).1, outcome, "{order_type:?}");
    }
    // A sale of what is held and not yet for sale only shrinks the position, and that is kept from nobody.
    assert_eq!(ask(SELL, OrderType::Market).1, Outcome::Skipped);
    venue.cancel(id("offer"), NOW, "by hand").unwrap();
    assert_eq!(
        measured(&verdict(&venue, &of("one", order("new", BUY, 1, OrderType::Market))), "self_trade").1,
        Outcome::Holds
    );
}

#[test]
fn a_protective_order_of_the_venue_is_no_own_resting_order() {
    let opener = OrderRequest {
        stop_loss: Some(price("95")),
        take_profit: Some(price("105")),
        ..of("one", order("opener", BUY, 10, OrderType::Market))
    };
    let mut venue = with(free(), [opener]);
    on(&mut venue, &bar(1, ["100"; 4]));
    assert_eq!(venue.working(true).len(), 2);
    let more = verdict(&venue, &of("one", order("more", BUY, 1, OrderType::Market)));
    assert_eq!(measured(&more, "self_trade"), (Some(0), Outcome::Holds));
    assert_eq!(measured(&more, "max_strategy_position"), (Some(1_100_000), Outcome::Holds));
}

#[test]
fn a_restart_tells_the_same() {
    let (mut venue, fills, opener) = held();
    let waits = of("two", order("waits", BUY, 15, OrderType::Limit(price("90"))));
    submit(&mut venue, waits, NOW);
    let mut restored = venue_of(free());
    for fill in &fills {
        restored.restore_fill(fill).unwrap();
    }
    let filled = OrderState::parse("filled", opener.quantity).unwrap();
    let accepted = venue.order("waits").unwrap().clone();
    for record in [
        deepalpha_engine::matching::OrderRecord {
            request: opener,
            state: filled,
            fills: 1,
            rank: 0,
            ..accepted.clone()
        },
        accepted,
    ] {
        restored.restore_order(RestoredOrder { record, best: None }).unwrap();
    }
    restored.mark(listed("X").symbol, venue.quote("X").unwrap(), Some(UtcNanos(DAY)));
    assert_eq!(restored.account_view().unwrap(), venue.account_view().unwrap());
    assert!(venue.account_view().unwrap().strategies.is_some_and(|known| known.owner.len() == 1));
}

#[test]
fn what_works_already_counts_when_a_sale_says_it_only_shrinks_the_position() {
    let (mut venue, ..) = held();
    let sale = |name, quantity| of("one", order(name, SELL, quantity, OrderType::Limit(price("110"))));
    let shrinks = |venue: &PracticeVenue, quantity| {
        // A rule about opening orders is skipped for what only shrinks.
        measured(&verdict(venue, &sale("new", quantity)), "max_strategy_position").1 == Outcome::Skipped
    };
    assert!(shrinks(&venue, 10) && !shrinks(&venue, 11));
    submit(&mut venue, sale("first", 6), NOW);
    assert!(shrinks(&venue, 4) && !shrinks(&venue, 5), "6 of the 10 are sold already");
    submit(&mut venue, OrderRequest { reduce_only: true, ..sale("second", 4) }, NOW);
    assert!(shrinks(&venue, 4), "what is cut to size by the venue takes no room");
    venue.cancel(id("first"), NOW, "by hand").unwrap();
    assert!(shrinks(&venue, 10));
}
