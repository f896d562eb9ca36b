//! The risk gate: every rule refuses what it must, an exit always passes, and nothing hostile panics.
#![expect(clippy::panic, reason = "tests may stop at a wrong shape")]

use std::collections::BTreeMap;

use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::risk::{AccountView, Limits, Quote, RiskGate, Rule};
use deepalpha_engine::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Ratio, Side, SignedQuantity, SourceId, Symbol, UtcNanos,
};
use proptest::prelude::*;

const NOW: UtcNanos = UtcNanos(10 * UtcNanos::DAY);

fn limits() -> Limits {
    let ratio = |text| Ratio::parse(text).unwrap_or_default();
    Limits {
        max_order_notional: Money::parse("5000").unwrap_or_default(),
        max_trade_fraction: ratio("0.02"),
        max_instrument_fraction: ratio("0.05"),
        max_exposure: ratio("0.95"),
        max_leverage: ratio("3"),
        max_daily_loss: ratio("0.05"),
        price_band: ratio("0.05"),
        max_data_age: 6 * UtcNanos::DAY,
        allow_short: false,
    }
}

fn units(count: i64) -> i64 {
    count * 100_000_000
}

fn symbol() -> Symbol {
    Symbol::parse("X").unwrap_or_default()
}

fn instrument() -> Instrument {
    let lot = Quantity::from_raw(units(1));
    Instrument::new(symbol(), Price::from_raw(1_000_000), lot).unwrap_or_else(|error| panic!("{error}"))
}

fn request(side: Side, quantity: i64) -> OrderRequest {
    OrderRequest::new(
        ClientOrderId::parse("order").unwrap_or_default(),
        SourceId::parse("decision").unwrap_or_default(),
        symbol(),
        side,
        Quantity::from_raw(units(quantity)),
        OrderType::Market,
        Price::from_raw(units(100)),
    )
}

fn account(equity: i64, held: i64) -> AccountView {
    let (positions, values) = if held == 0 {
        (BTreeMap::new(), BTreeMap::new())
    } else {
        (
            BTreeMap::from([(symbol(), SignedQuantity::from_raw(units(held)))]),
            BTreeMap::from([(symbol(), Money::from_raw(units(held * 100)))]),
        )
    };
    AccountView { equity: Money::from_raw(units(equity)), positions, values, working: BTreeMap::new() }
}

fn quote() -> Option<Quote> {
    Some(Quote { price: Price::from_raw(units(100)), ts_event: NOW })
}

fn refusal(gate: &mut RiskGate, order: OrderRequest, account: &AccountView, quote: Option<Quote>) -> Option<Rule> {
    let ruled = gate.check(order, &instrument(), account, quote, NOW).unwrap_or_else(|error| panic!("{error}"));
    ruled.1.err().map(|refused| refused.rule)
}

fn fresh(order: OrderRequest, account: &AccountView) -> Option<Rule> {
    refusal(&mut RiskGate::new(limits()), order, account, quote())
}

#[test]
fn passes_an_order_within_every_bound() {
    assert_eq!(fresh(request(Side::Buy, 20), &account(100_000, 0)), None);
}

#[test]
fn each_rule_refuses_what_it_must() {
    let rich = account(1_000_000, 0);
    let with = |change: fn(&mut OrderRequest)| {
        let mut order = request(Side::Buy, 1);
        change(&mut order);
        order
    };
    assert_eq!(fresh(request(Side::Buy, 51), &rich), Some(Rule::OrderNotional));
    assert_eq!(fresh(request(Side::Buy, 21), &account(100_000, 0)), Some(Rule::TradeFraction));
    assert_eq!(fresh(request(Side::Buy, 20), &account(100_000, 31)), Some(Rule::InstrumentFraction));
    assert_eq!(fresh(request(Side::Sell, 1), &rich), Some(Rule::ShortSelling));
    assert_eq!(fresh(request(Side::Buy, 0), &rich), Some(Rule::Increment));
    assert_eq!(fresh(with(|order| order.quantity = Quantity::from_raw(units(1) / 2)), &rich), Some(Rule::Increment));
    assert_eq!(fresh(with(|order| order.stop_loss = Some(Price::from_raw(1))), &rich), Some(Rule::Increment));
    assert_eq!(fresh(with(|order| order.reduce_only = true), &rich), Some(Rule::ReduceOnly));
    assert_eq!(fresh(with(|order| order.reference_price = Price::from_raw(units(94))), &rich), Some(Rule::PriceBand));
    assert_eq!(fresh(request(Side::Buy, 1), &account(0, 0)), Some(Rule::Leverage));
    let mut gate = RiskGate::new(limits());
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &rich, None), Some(Rule::StaleData));
    let old = quote().map(|last| Quote { ts_event: UtcNanos(3 * UtcNanos::DAY), ..last });
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &rich, old), Some(Rule::StaleData));
}

#[test]
fn total_exposure_counts_every_instrument_and_working_orders() {
    let mut view = account(10_000, 0);
    view.values.insert(Symbol::parse("Y").unwrap_or_default(), Money::from_raw(units(9_000)));
    view.working.insert(Symbol::parse("Z").unwrap_or_default(), Money::from_raw(units(450)));
    assert_eq!(fresh(request(Side::Buy, 1), &view), Some(Rule::Exposure));
    view.working.clear();
    assert_eq!(fresh(request(Side::Buy, 1), &view), None);
}

#[test]
fn one_decision_is_one_order() {
    let (mut gate, view) = (RiskGate::new(limits()), account(100_000, 0));
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &view, quote()), None);
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &view, quote()), Some(Rule::DuplicateIntent));
    let renamed =
        OrderRequest { client_order_id: ClientOrderId::parse("other").unwrap_or_default(), ..request(Side::Buy, 1) };
    assert_eq!(refusal(&mut gate, renamed, &view, quote()), Some(Rule::DuplicateIntent));
}

#[test]
fn a_refused_order_is_not_remembered() {
    let (mut gate, view) = (RiskGate::new(limits()), account(100_000, 0));
    gate.kill("test");
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &view, quote()), Some(Rule::KillSwitch));
    gate.rearm();
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &view, quote()), None);
}

#[test]
fn the_daily_loss_counts_from_the_last_close_of_the_day_before() {
    let (mut gate, view) = (RiskGate::new(limits()), account(94_000, 0));
    gate.mark(UtcNanos(9 * UtcNanos::DAY), Money::from_raw(units(100_000)));
    gate.mark(UtcNanos(10 * UtcNanos::DAY), Money::from_raw(units(94_000)));
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &view, quote()), Some(Rule::DailyLoss));
    gate.mark(UtcNanos(11 * UtcNanos::DAY), Money::from_raw(units(94_000)));
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &view, quote()), None);
}

proptest! {
    /// A person can always get out: whatever the state of the account, an order that only shrinks the position passes.
    #[test]
    fn an_exit_always_passes(held in 1_i64..1_000_000, part in 1_i64..1_000_000, equity in -1_000_i64..1_000, age in 0_i64..100) {
        let mut gate = RiskGate::new(limits());
        gate.kill("test");
        gate.mark(UtcNanos(9 * UtcNanos::DAY), Money::from_raw(units(1_000_000)));
        let stale = quote().map(|last| Quote { ts_event: UtcNanos(NOW.0 - age * UtcNanos::DAY), ..last });
        let order = OrderRequest { reduce_only: true, ..request(Side::Sell, part.min(held)) };
        prop_assert_eq!(refusal(&mut gate, order, &account(equity, held), stale), None);
    }

    /// Any numbers at all: an answer or an error, never a panic, and never an approval above the notional bound.
    #[test]
    fn hostile_numbers_are_ruled_on(quantity in any::<i64>(), reference in any::<i64>(), equity in any::<i64>(), last in any::<i64>()) {
        let mut gate = RiskGate::new(limits());
        let mut order = request(Side::Buy, 1);
        (order.quantity, order.reference_price) = (Quantity::from_raw(quantity), Price::from_raw(reference));
        let view = AccountView { equity: Money::from_raw(equity), ..AccountView::default() };
        let quote = Some(Quote { price: Price::from_raw(last), ts_event: NOW });
        if let Ok((_, Ok(approved))) = gate.check(order, &instrument(), &view, quote, NOW) {
            let notional = i128::from(approved.request().quantity.raw()) * i128::from(last) / 100_000_000;
            prop_assert!(notional <= i128::from(units(5_000)), "{notional}");
            prop_assert!(quantity > 0);
        }
    }
}
