//! The practice venue: the worst-case rule line by line, and the money identities for any order flow.
#![expect(clippy::panic, clippy::indexing_slicing, reason = "tests may stop at a wrong shape")]

use deepalpha_engine::matching::{Bar, FillRecord, PracticeVenue, VenueConfig, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::risk::{Approved, Limits, RiskGate};
use deepalpha_engine::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Ratio, Side, SourceId, Symbol, UtcNanos,
};
use proptest::prelude::*;

const DAY: i64 = UtcNanos::DAY;

fn price(text: &str) -> Price {
    Price::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn symbol(name: &str) -> Symbol {
    Symbol::parse(name).unwrap_or_else(|error| panic!("{error}"))
}

fn listed() -> Instrument {
    Instrument::new(symbol("X"), price("0.01"), Quantity::from_raw(100_000_000))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn venue(slippage: &str, fee: &str) -> PracticeVenue {
    let config = VenueConfig::simple(ratio(fee), ratio(slippage));
    PracticeVenue::new(config, vec![listed()], money("100000")).unwrap_or_else(|error| panic!("{error}"))
}

fn open_gate() -> RiskGate {
    RiskGate::new(Limits::open())
}

fn bar(day: i64, [open, high, low, close]: [&str; 4]) -> Bar {
    let [open, high, low, close] = [open, high, low, close].map(price);
    Bar {
        symbol: symbol("X"),
        ts_open: UtcNanos(day * DAY),
        ts_event: UtcNanos((day + 1) * DAY),
        open,
        high,
        low,
        close,
        volume: Quantity::from_raw(100_000_000_000_000),
    }
}

fn order(id: &str, side: Side, quantity: i64, order_type: OrderType, protect: Option<(&str, &str)>) -> OrderRequest {
    let (id, source) = (ClientOrderId::parse(id), SourceId::parse(&format!("decision of {id}")));
    let (id, source) = (id.unwrap_or_default(), source.unwrap_or_default());
    let quantity = Quantity::from_raw(quantity * 100_000_000);
    OrderRequest {
        stop_loss: protect.map(|(stop, _)| price(stop)),
        take_profit: protect.map(|(_, target)| price(target)),
        ..OrderRequest::new(id, source, symbol("X"), side, quantity, order_type, price("100"))
    }
}

fn approve(venue: &PracticeVenue, request: OrderRequest, now: UtcNanos) -> Approved {
    let account = venue.account_view().unwrap_or_else(|error| panic!("{error}"));
    let quote = venue.quote("X");
    match open_gate().check(request, &listed(), &account, quote, now) {
        Ok((_, Ok(approved))) => approved,
        other => panic!("{other:?}"),
    }
}

/// A venue that has seen day 0 (all prices 100) and holds the order from its close on.
fn with(request: OrderRequest, slippage: &str) -> PracticeVenue {
    let mut venue = venue(slippage, "0");
    fills(&mut venue, &bar(0, ["100"; 4]));
    let approved = approve(&venue, request, UtcNanos(DAY));
    assert!(venue.submit(approved, UtcNanos(DAY)).is_ok());
    venue
}

fn fills(venue: &mut PracticeVenue, bar: &Bar) -> Vec<FillRecord> {
    let events = venue.on_bar(bar).unwrap_or_else(|error| panic!("{error}"));
    events.into_iter().filter_map(|event| if let VenueEvent::Fill(fill) = event { Some(fill) } else { None }).collect()
}

fn shown(fills: &[FillRecord]) -> Vec<(String, &'static str)> {
    fills
        .iter()
        .map(|fill| (format!("{} {} @ {}", fill.side.as_str(), fill.quantity, fill.price), fill.reason))
        .collect()
}

const BUY: Side = Side::Buy;

#[test]
fn a_market_order_fills_at_the_open_moved_against_the_trader() {
    let mut venue = with(order("a", BUY, 10, OrderType::Market, None), "0.001");
    let found = fills(&mut venue, &bar(1, ["101", "103", "99", "102"]));
    assert_eq!(shown(&found), [("buy 10 @ 101.11".to_owned(), "market: at the open")]);
}

#[test]
fn no_fill_is_outside_the_bar() {
    let mut venue = with(order("a", BUY, 10, OrderType::Market, None), "0.05");
    let found = fills(&mut venue, &bar(1, ["101", "101.5", "99", "100"]));
    assert_eq!(found[0].price, price("101.5"));
}

#[test]
fn a_bar_that_touches_stop_and_target_fills_the_stop() {
    let mut venue = with(order("a", BUY, 10, OrderType::Market, Some(("98", "106"))), "0");
    let found = fills(&mut venue, &bar(1, ["100", "110", "97", "105"]));
    assert_eq!(
        shown(&found),
        [("buy 10 @ 100".to_owned(), "market: at the open"), ("sell 10 @ 98".to_owned(), "stop: touched")]
    );
    assert!(venue.working(true).is_empty(), "the target must go with the position");
}

#[test]
fn a_gap_through_the_stop_fills_at_the_open() {
    let mut venue = with(order("a", BUY, 10, OrderType::Market, Some(("98", "106"))), "0");
    assert_eq!(fills(&mut venue, &bar(1, ["100", "101", "99", "100"])).len(), 1);
    let found = fills(&mut venue, &bar(2, ["95", "99", "94", "97"]));
    assert_eq!(shown(&found), [("sell 10 @ 95".to_owned(), "stop: gap, filled at the open")]);
}

#[test]
fn a_gap_through_the_target_fills_at_the_open_and_a_touch_is_not_enough() {
    let mut venue = with(order("a", BUY, 10, OrderType::Market, Some(("98", "106"))), "0");
    assert_eq!(fills(&mut venue, &bar(1, ["100", "106", "99", "104"])).len(), 1, "106 was only touched");
    let found = fills(&mut venue, &bar(2, ["108", "109", "107", "108"]));
    assert_eq!(shown(&found), [("sell 10 @ 108".to_owned(), "target: gap, filled at the open")]);
}

#[test]
fn a_limit_fills_when_traded_through_and_its_stop_may_follow_in_the_same_bar() {
    let limit = OrderType::Limit(price("99"));
    let mut venue = with(order("a", BUY, 10, limit, Some(("97", "103"))), "0");
    assert!(fills(&mut venue, &bar(1, ["100", "101", "99", "100"])).is_empty(), "99 was only touched");
    let found = fills(&mut venue, &bar(2, ["100", "110", "96", "105"]));
    assert_eq!(
        shown(&found),
        [("buy 10 @ 99".to_owned(), "limit: traded through"), ("sell 10 @ 97".to_owned(), "stop: touched")]
    );
}

#[test]
fn no_order_fills_on_a_bar_that_began_before_it() {
    let mut venue = venue("0", "0");
    fills(&mut venue, &bar(0, ["100"; 4]));
    let late = UtcNanos(DAY + 1);
    let approved = approve(&venue, order("a", BUY, 1, OrderType::Market, None), late);
    assert!(venue.submit(approved, late).is_ok());
    assert!(fills(&mut venue, &bar(1, ["100"; 4])).is_empty());
    assert_eq!(fills(&mut venue, &bar(2, ["100"; 4])).len(), 1);
}

#[test]
fn the_same_order_twice_is_one_order() {
    let mut venue = with(order("a", BUY, 10, OrderType::Market, None), "0");
    let again = approve(&venue, order("a", BUY, 10, OrderType::Market, None), UtcNanos(DAY));
    assert_eq!(venue.submit(again, UtcNanos(DAY)).map(|events| events.len()).ok(), Some(0));
    assert_eq!(fills(&mut venue, &bar(1, ["100"; 4])).len(), 1);
}

#[test]
fn a_bar_that_cannot_be_changes_nothing() {
    let mut venue = with(order("a", BUY, 10, OrderType::Market, None), "0");
    for wrong in [
        bar(1, ["100", "99", "98", "100"]),
        bar(1, ["100", "101", "100.5", "101"]),
        bar(0, ["100"; 4]),
        Bar { symbol: symbol("Y"), ..bar(1, ["100"; 4]) },
    ] {
        assert!(venue.on_bar(&wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(venue.working(false), [ClientOrderId::parse("a").unwrap_or_default()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// position = sum of fills; equity = cash + positions = start + realised + unrealised - fees, to the last unit;
    /// no fill is outside its bar; a position always has its protection, a flat account none.
    #[test]
    fn money_and_positions_add_up(
        flow in prop::collection::vec((any::<bool>(), 1_i64..50, 0_u8..3, 9_000_i64..11_000, any::<bool>()), 1..40),
        walk in prop::collection::vec((9_000_i64..11_000, 0_i64..400, 0_i64..400, 0_i64..100), 40),
    ) {
        let cents = |value: i64| Price::from_raw(value * 1_000_000);
        let mut venue = venue("0.0005", "0.00075");
        let (mut net, mut paid) = (0_i64, Money::ZERO);
        for (day, (open, up, down, part)) in (0_i64..).zip(&walk) {
            let (high, low) = (open + up, open - down);
            let close = low + (high - low) * part / 100;
            let made = Bar { open: cents(*open), high: cents(high), low: cents(low), close: cents(close), ..bar(day, ["1"; 4]) };
            for fill in fills(&mut venue, &made) {
                prop_assert!(fill.price >= made.low && fill.price <= made.high, "{fill:?} outside {made:?}");
                net += fill.quantity.signed(fill.side.is_buy()).raw();
                paid = paid.plus(fill.price.value(fill.quantity.signed(fill.side.is_buy()))?)?.plus(fill.fee)?;
            }
            prop_assert_eq!(venue.portfolio().quantity("X").raw(), net);
            let totals = venue.portfolio().totals()?;
            prop_assert_eq!(totals.cash, money("100000").minus(paid)?);
            prop_assert_eq!(totals.equity, totals.cash.plus(totals.position_value)?);
            let profit = totals.realised.plus(totals.unrealised)?.minus(totals.fees)?;
            prop_assert_eq!(totals.equity, money("100000").plus(profit)?);
            if net == 0 {
                prop_assert!(venue.working(true).len() == venue.working(false).len(), "protection of nothing");
            }
            if let Some((buy, quantity, kind, limit, protect)) = flow.get(usize::try_from(day)?) {
                let order_type = if *kind == 0 { OrderType::Limit(cents(*limit)) } else { OrderType::Market };
                let side = if *buy { Side::Buy } else { Side::Sell };
                let mut request = order(&format!("o{day}"), side, *quantity, order_type, None);
                request.reduce_only = *kind == 2;
                if *protect && !request.reduce_only {
                    let (near, far) = if *buy { (9_800, 10_600) } else { (10_200, 9_400) };
                    (request.stop_loss, request.take_profit) = (Some(cents(near)), Some(cents(far)));
                }
                let now = made.ts_event;
                let account = venue.account_view()?;
                if let (_, Ok(approved)) = open_gate().check(request, &listed(), &account, venue.quote("X"), now)? {
                    venue.submit(approved, now)?;
                }
            }
        }
    }
}
