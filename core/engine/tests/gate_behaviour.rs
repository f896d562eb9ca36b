//! The gate over time: exits, hostile numbers, states, warnings, scaling, reduction, and the account kept up to date.
#![expect(clippy::unwrap_used, reason = "tests may stop at a wrong shape")]

use std::sync::Arc;

use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::risk::{
    Account, AccountState, AccountView, Clusters, Exposure, Limits, OFF, Quote, RiskEvent, RiskGate, Scaling,
};
use deepalpha_engine::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Ratio, Side, SignedQuantity, SourceId, StrategyId, Symbol,
    UtcNanos,
};
use proptest::prelude::*;

const NOW: UtcNanos = UtcNanos(10 * UtcNanos::DAY);
const ONE: i64 = 100_000_000;

fn units(count: i64) -> i64 {
    count * ONE
}

fn money(count: i64) -> Money {
    Money::from_raw(units(count))
}

fn symbol(name: &str) -> Symbol {
    Symbol::parse(name).unwrap()
}

fn instrument() -> Instrument {
    Instrument::new(symbol("X"), Price::from_raw(1_000_000), Quantity::from_raw(units(1))).unwrap()
}

fn request(side: Side, quantity: i64) -> OrderRequest {
    let stop = if side.is_buy() { 98 } else { 102 };
    OrderRequest {
        stop_loss: Some(Price::from_raw(units(stop))),
        ..OrderRequest::new(
            ClientOrderId::parse("order").unwrap(),
            SourceId::parse("decision").unwrap(),
            symbol("X"),
            side,
            Quantity::from_raw(units(quantity)),
            OrderType::Market,
            Price::from_raw(units(100)),
        )
    }
}

fn exit(side: Side, quantity: i64) -> OrderRequest {
    OrderRequest { reduce_only: true, stop_loss: None, ..request(side, quantity) }
}

fn account(equity: i64, held: i64) -> AccountView {
    let mut view = AccountView { equity: money(equity), ..AccountView::default() };
    if held != 0 {
        view.positions.insert(symbol("X"), SignedQuantity::from_raw(units(held)));
        view.values.insert(symbol("X"), money(held * 100));
    }
    view
}

fn quote() -> Option<Quote> {
    Some(Quote { price: Price::from_raw(units(100)), ts_event: NOW })
}

fn refusal(gate: &mut RiskGate, order: OrderRequest, account: &impl Account) -> Option<&'static str> {
    gate.check(order, &instrument(), account, quote(), NOW).unwrap().1.err().map(|refused| refused.rule.name)
}

fn fresh(order: OrderRequest, account: &impl Account) -> Option<&'static str> {
    refusal(&mut RiskGate::new(Limits::default()), order, account)
}

#[test]
fn the_first_breach_in_the_order_of_the_rules_is_the_refusal() {
    let mut gate = RiskGate::new(Limits::default());
    let worst = OrderRequest { stop_loss: None, ..request(Side::Sell, 1_000_000) };
    assert_eq!(refusal(&mut gate, worst, &account(100, 0)), Some("short_selling"));
    gate.kill("test");
    assert_eq!(refusal(&mut gate, worst, &account(100, 0)), Some("kill_switch"));
    let verdict = gate.preview(&worst, &instrument(), &account(100, 0), quote(), NOW).unwrap();
    assert!(verdict.checks().iter().filter(|check| !check.holds).count() > 5, "every rule is evaluated");
}

#[test]
fn total_exposure_counts_every_instrument_and_working_orders() {
    let mut view = account(10_000, 0);
    view.values.insert(symbol("Y"), money(9_000));
    view.working.insert(symbol("Z"), money(450));
    assert_eq!(fresh(request(Side::Buy, 1), &view), Some("max_exposure"));
    view.working.clear();
    assert_eq!(fresh(request(Side::Buy, 1), &view), None);
}

#[test]
fn one_decision_is_one_order_but_slices_share_their_parents() {
    let (mut gate, view) = (RiskGate::new(Limits::default()), account(100_000, 0));
    let order = request(Side::Buy, 1);
    let renamed = OrderRequest { client_order_id: ClientOrderId::parse("other").unwrap(), ..order };
    let redecided = OrderRequest { decision_id: SourceId::parse("other").unwrap(), ..renamed };
    assert_eq!(refusal(&mut gate, order, &view), None);
    assert_eq!(refusal(&mut gate, order, &view), Some("duplicate_id"));
    assert_eq!(refusal(&mut gate, renamed, &view), Some("decision_once"));
    assert_eq!(refusal(&mut gate, redecided, &view), Some("duplicate_intent"));
    let forced = OrderRequest { forced: true, ..redecided };
    assert_eq!(refusal(&mut gate, forced, &view), None);
    let slice = |id| OrderRequest {
        client_order_id: ClientOrderId::parse(id).unwrap(),
        parent: ClientOrderId::parse("twap").unwrap(),
        ..order
    };
    assert_eq!(refusal(&mut gate, slice("slice-1"), &view), None);
    assert_eq!(refusal(&mut gate, slice("slice-2"), &view), None);
    assert_eq!(refusal(&mut gate, slice("slice-2"), &view), Some("duplicate_id"));
}

#[test]
fn a_refused_order_is_not_remembered() {
    let (mut gate, view) = (RiskGate::new(Limits::default()), account(100_000, 0));
    gate.kill("test");
    for _ in 0..9 {
        assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &view), Some("kill_switch"));
    }
    gate.rearm();
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &view), None);
}

#[test]
fn two_sales_of_the_whole_holding_are_one_too_many() {
    let mut gate = RiskGate::new(Limits::default());
    let mut held = Exposure::new(money(100_000), Arc::default());
    held.restore(StrategyId::EMPTY, &symbol("X"), SignedQuantity::from_raw(units(10)), Price::from_raw(units(100)))
        .unwrap();
    let sale = OrderRequest { stop_loss: None, ..request(Side::Sell, 10) };
    assert_eq!(refusal(&mut gate, sale, &held), None);
    held.open(&sale).unwrap();
    let again = OrderRequest {
        client_order_id: ClientOrderId::parse("again").unwrap(),
        decision_id: SourceId::parse("again").unwrap(),
        forced: true,
        ..sale
    };
    assert_eq!(refusal(&mut gate, again, &held), Some("short_selling"));
    let reduce = OrderRequest { reduce_only: true, ..again };
    assert_eq!(refusal(&mut gate, reduce, &held), None, "the venue cuts a reduce-only order to size");
}

#[test]
fn a_mark_alone_moves_the_account_and_only_a_person_moves_it_back() {
    let mut gate = RiskGate::new(Limits::default());
    let day = |count: i64| UtcNanos(count * UtcNanos::DAY);
    assert!(gate.mark(day(9), money(100_000)).is_empty());
    let events = gate.mark(day(10), money(95_000));
    assert!(
        events.iter().any(|event| matches!(event, RiskEvent::State(now) if now.state.state == AccountState::Reducing))
    );
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &account(95_000, 0)), Some("account_state"));
    assert_eq!(refusal(&mut gate, exit(Side::Sell, 1), &account(95_000, 1)), None);
    gate.mark(day(11), money(99_000));
    assert_eq!(gate.state().state, AccountState::Reducing, "a better day does not re-arm");
    assert!(gate.rearm_by(" ", day(11)).is_err());
    gate.rearm_by("ada", day(11)).unwrap();
    assert_eq!((gate.state().state, gate.state().by.as_str()), (AccountState::Active, "ada"));
    gate.mark(day(12), money(90_000));
    assert_eq!(gate.state().state, AccountState::Halted, "the peak of 100,000 still counts: {}", gate.state().reason);
    gate.rearm_by("ada", day(12)).unwrap();
    assert!(gate.mark(day(13), money(89_500)).iter().all(|event| matches!(event, RiskEvent::Warning(_))));
}

#[test]
fn the_latch_survives_a_restart_and_marks_are_not_counted_twice() {
    let mut gate = RiskGate::new(Limits::default());
    let history: Vec<(UtcNanos, Money)> =
        (1..60).map(|day| (UtcNanos(day * UtcNanos::DAY), money(100_000 - day * 120 - (day % 7) * 300))).collect();
    for cut in [0, 10, 30, 58] {
        let mut first = gate.clone();
        let (seen, later) = history.split_at(cut);
        seen.iter().for_each(|(at, equity)| drop(first.mark(*at, *equity)));
        let mut second = RiskGate::new(Limits::default());
        second.restore(first.snapshot());
        history.iter().for_each(|(at, equity)| drop(second.mark(*at, *equity)));
        later.iter().for_each(|(at, equity)| drop(first.mark(*at, *equity)));
        assert_eq!(first.snapshot(), second.snapshot());
    }
    gate.halt("test", "ada", NOW);
    let mut after = RiskGate::new(Limits::default());
    after.restore(gate.snapshot());
    assert_eq!(after.killed(), Some("test"));
    assert_eq!(refusal(&mut after, request(Side::Buy, 1), &account(100_000, 0)), Some("kill_switch"));
}

#[test]
fn warnings_come_once_a_level_and_again_after_use_fell_well_below() {
    let mut gate = RiskGate::new(Limits::open().with("max_leverage", units(1)).unwrap());
    let levels: Vec<Vec<u8>> = [60, 71, 72, 86, 84, 86, 79, 86, 96, 101, 60, 71]
        .into_iter()
        .map(|used| {
            let mut view = account(100, 0);
            view.values.insert(symbol("Y"), money(used));
            let told = gate.observe(&view, NOW).unwrap();
            told.iter().map(|event| if let RiskEvent::Warning(warning) = event { warning.level } else { 0 }).collect()
        })
        .collect();
    let expected: [&[u8]; 12] = [&[], &[70], &[], &[85], &[], &[], &[], &[85], &[95], &[100], &[], &[70]];
    assert_eq!(levels, expected);
}

#[test]
fn bounds_shrink_with_volatility_and_the_verdict_says_so() {
    let scaling =
        Scaling { volatility: Some(Ratio::from_raw(ONE / 5)), floor: Ratio::from_raw(ONE / 10), ..Scaling::default() };
    let mut gate = RiskGate::new(Limits::default());
    gate.limits_mut().scaling = scaling;
    gate.know(symbol("X"), None, Some(Ratio::from_raw(ONE * 2 / 5)), None);
    assert_eq!(refusal(&mut gate, request(Side::Buy, 11), &account(100_000, 0)), Some("max_trade_fraction"));
    let verdict = gate.preview(&request(Side::Buy, 10), &instrument(), &account(100_000, 0), quote(), NOW).unwrap();
    assert_eq!((verdict.approved(), verdict.scale.total), (true, Ratio::from_raw(ONE / 2)));
    assert!(verdict.checks().iter().any(|check| check.rule == "dynamic_scale" && check.value.contains("50 %")));
    gate.know(symbol("X"), None, Some(Ratio::from_raw(i64::MAX)), None);
    let verdict = gate.preview(&request(Side::Buy, 1), &instrument(), &account(100_000, 0), quote(), NOW).unwrap();
    assert_eq!(verdict.scale.total, Ratio::from_raw(ONE / 10), "never below the floor");
}

#[test]
fn correlated_exposure_counts_what_moves_together_and_nets_what_moves_apart() {
    let mut clusters = Clusters::default();
    for (name, cluster) in [("X", "tech"), ("Y", "tech"), ("Z", "gold")] {
        clusters.assign(symbol(name), cluster).unwrap();
    }
    clusters.correlate("tech", "tech", Ratio::from_raw(ONE / 2)).unwrap();
    clusters.correlate("tech", "gold", Ratio::from_raw(-ONE / 4)).unwrap();
    let clusters = Arc::new(clusters);
    let mut limits = Limits::open().with("max_correlated_exposure", OFF - 1).unwrap();
    limits.clusters = Arc::clone(&clusters);
    let gate = RiskGate::new(limits);
    let mut view = account(1_000, 0);
    view.values.extend([(symbol("Y"), money(400)), (symbol("Z"), money(800))]);
    let verdict = gate.preview(&request(Side::Buy, 1), &instrument(), &view, quote(), NOW).unwrap();
    // 100 + 0.5 * 400 - 0.25 * 800 = 100 of 1000.
    assert_eq!(verdict.line("max_correlated_exposure").unwrap().measure.number(), Some(ONE / 10));
}

#[test]
fn disk_trouble_refuses_new_orders_and_lets_positions_shrink() {
    let mut gate = RiskGate::new(Limits::default());
    gate.set_io_trouble(Some("no space left on device".to_owned()));
    assert_eq!(refusal(&mut gate, request(Side::Buy, 1), &account(100_000, 0)), Some("io_trouble"));
    assert_eq!(refusal(&mut gate, exit(Side::Sell, 1), &account(100_000, 5)), None);
    gate.set_io_trouble(None);
    let again = OrderRequest { client_order_id: ClientOrderId::parse("b").unwrap(), ..request(Side::Buy, 1) };
    let again = OrderRequest { decision_id: SourceId::parse("b").unwrap(), ..again };
    assert_eq!(refusal(&mut gate, again, &account(100_000, 0)), None);
}

#[test]
fn strategies_and_instruments_have_bounds_of_their_own() {
    let mut limits = Limits::default();
    limits.set_strategy(StrategyId::parse("bold").unwrap(), "max_trade_fraction", ONE / 20).unwrap();
    limits.set_instrument(symbol("X"), "price_band", 0).unwrap();
    assert!(limits.set_instrument(symbol("X"), "max_leverage", 0).is_err());
    assert!(limits.set("max_leverag", 0).unwrap_err().to_string().contains("max_leverage"));
    assert!(limits.set("max_leverage", -1).is_err());
    let mut gate = RiskGate::new(limits);
    let view = account(100_000, 0);
    assert_eq!(refusal(&mut gate, request(Side::Buy, 30), &view), Some("max_trade_fraction"));
    let bold = OrderRequest { strategy: StrategyId::parse("bold").unwrap(), ..request(Side::Buy, 30) };
    let off = OrderRequest { reference_price: Price::from_raw(units(100) - 1), ..bold };
    assert_eq!(refusal(&mut gate, off, &view), Some("price_band"));
    assert_eq!(refusal(&mut gate, bold, &view), None);
}

proptest! {
    /// A person can always get out: whatever the state of the account, an order that only shrinks the position passes.
    #[test]
    fn an_exit_always_passes(held in 1_i64..1_000_000, part in 1_i64..1_000_000, equity in -1_000_i64..1_000, long: bool) {
        let mut gate = RiskGate::new(Limits::default());
        gate.kill("test");
        gate.set_io_trouble(Some("disk".to_owned()));
        gate.mark(UtcNanos(9 * UtcNanos::DAY), money(1_000_000));
        gate.mark(UtcNanos(10 * UtcNanos::DAY), money(equity));
        let (side, held) = if long { (Side::Sell, held) } else { (Side::Buy, -held) };
        let order = exit(side, part.min(held.abs()));
        let ruled = gate.check(order, &instrument(), &account(equity, held), None, NOW).unwrap();
        prop_assert!(ruled.1.is_ok(), "{:?}", ruled.1);
    }

    /// Any numbers at all: an answer or an error, never a panic, nothing remembered, no approval above the bound.
    #[test]
    fn hostile_numbers_are_ruled_on(
        quantity: i64, reference: i64, limit: i64, stop: i64, equity: i64, last: i64, held: i64, buy: bool, kind in 0..4_u8,
    ) {
        let mut gate = RiskGate::new(Limits::default());
        let price = |raw| Price::from_raw(raw);
        let mut order = request(if buy { Side::Buy } else { Side::Sell }, 1);
        order.order_type = match kind {
            0 => OrderType::Market,
            1 => OrderType::Limit(price(limit)),
            2 => OrderType::Stop(price(limit)),
            _ => OrderType::StopLimit { trigger: price(stop), limit: price(limit) },
        };
        (order.quantity, order.reference_price, order.stop_loss) = (Quantity::from_raw(quantity), price(reference), Some(price(stop)));
        let mut view = AccountView { equity: Money::from_raw(equity), ..AccountView::default() };
        view.positions.insert(symbol("X"), SignedQuantity::from_raw(held));
        view.values.insert(symbol("X"), Money::from_raw(held));
        let quote = Some(Quote { price: price(last), ts_event: NOW });
        match gate.check(order, &instrument(), &view, quote, NOW) {
            Ok((verdict, Ok(approved))) => {
                prop_assert!(approved.request().quantity > Quantity::ZERO);
                prop_assert!(verdict.notional() <= Money::from_raw(units(1_000_000)));
            }
            Ok((_, Err(refused))) => {
                prop_assert!(!refused.to_string().is_empty());
                prop_assert_eq!(fresh_after(&mut gate), None);
            }
            Err(_) => prop_assert_eq!(fresh_after(&mut gate), None),
        }
        let mut marked = RiskGate::new(Limits::default());
        marked.mark(UtcNanos(last), Money::from_raw(equity));
        marked.mark(UtcNanos(limit), Money::from_raw(held));
        let _ = marked.observe(&view, UtcNanos(stop));
    }
}

/// The same ids again, sound this time: they pass if and only if nothing was remembered.
fn fresh_after(gate: &mut RiskGate) -> Option<&'static str> {
    refusal(gate, request(Side::Buy, 1), &account(100_000, 0))
}
