//! Checks a second with every rule on: `cargo bench -p deepalpha-engine --bench risk`.
//!
//! Load: 100 instruments with positions in 10 clusters, 8 strategies with a trade history, 200 own resting orders, a
//! book, figures of every instrument, all four scale factors on; each order is new (id, decision, intent), is approved
//! and remembered. Printed with 0, 100,000, 500,000 and 1,000,000 ids behind it. Goal: 5 million a second.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may stop at a wrong shape")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::risk::{Clusters, Exposure, Limits, Market, Outcome, Quote, RULES, RiskGate, Scaling, TopOfBook};
use deepalpha_engine::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Ratio, Side, SignedQuantity, SourceId, StrategyId, Symbol,
    UtcNanos,
};

const ONE: i64 = 100_000_000;
const INSTRUMENTS: usize = 100;
const BATCH: usize = 2_000;

fn symbol(number: usize) -> Symbol {
    Symbol::parse(&format!("SYM{:03}/USDT", number % INSTRUMENTS)).unwrap()
}

fn strategy(number: usize) -> StrategyId {
    StrategyId::parse(&format!("strategy-{}", number % 8)).unwrap()
}

fn setting() -> (RiskGate, Exposure) {
    let mut clusters = Clusters::default();
    (0..INSTRUMENTS).for_each(|one| clusters.assign(symbol(one), &format!("cluster {}", one % 10)).unwrap());
    let clusters = Arc::new(clusters);
    let mut limits = Limits::default();
    let ratio = Ratio::from_raw;
    limits.clusters = Arc::clone(&clusters);
    limits.scaling = Scaling {
        volatility: Some(ratio(ONE / 4)),
        correlation: Some(ratio(ONE / 2)),
        concentration: Some(ratio(ONE / 10)),
        liquidity: Some(Money::from_raw(1_000_000 * ONE)),
        floor: ratio(ONE / 5),
    };
    limits.set("sharpe_floor", 0).unwrap();
    // The bench asks faster than any account and repeats quantities; the rules still count.
    limits.duplicate_window = 1_000_000;
    limits.set("order_rate", i64::MAX - 1).unwrap();
    let mut gate = RiskGate::new(limits);
    let mut account = Exposure::new(Money::from_raw(10_000_000 * ONE), clusters);
    for one in 0..INSTRUMENTS {
        gate.know(
            symbol(one),
            Some(Quantity::from_raw(100_000 * ONE)),
            Some(ratio(ONE * 3 / 10)),
            Some(ratio(ONE / 2)),
        );
        account.list(Instrument::new(symbol(one), Price::from_raw(ONE / 100), Quantity::from_raw(ONE / 100)).unwrap());
        account
            .restore(strategy(one), &symbol(one), SignedQuantity::from_raw(100 * ONE), Price::from_raw(100 * ONE))
            .unwrap();
    }
    for one in 0..8 {
        (0..40).for_each(|trade| {
            gate.note_trade(strategy(one), Money::from_raw(trade % 3 * ONE), Money::from_raw(100 * ONE))
        });
    }
    for one in 0..200 {
        let (side, price) = if one % 2 == 0 { (Side::Buy, 95) } else { (Side::Sell, 120) };
        let resting = OrderRequest { order_type: OrderType::Limit(Price::from_raw(price * ONE)), ..order(one, side) };
        account
            .open(&OrderRequest { client_order_id: ClientOrderId::parse(&format!("rest-{one}")).unwrap(), ..resting })
            .unwrap();
    }
    gate.mark(UtcNanos(1), Money::from_raw(10_000_000 * ONE));
    (gate, account)
}

fn order(number: usize, side: Side) -> OrderRequest {
    OrderRequest {
        strategy: strategy(number),
        stop_loss: Some(Price::from_raw(99 * ONE)),
        ..OrderRequest::new(
            ClientOrderId::parse(&format!("PRA-1-{number:016x}")).unwrap(),
            SourceId::parse(&format!("{number:032x}")).unwrap(),
            symbol(number),
            side,
            Quantity::from_raw(ONE + (number as i64 % 1_000) * ONE / 100),
            OrderType::Limit(Price::from_raw(100 * ONE)),
            Price::from_raw(100 * ONE),
        )
    }
}

fn main() {
    let (mut gate, account) = setting();
    let instrument = Instrument::new(symbol(0), Price::from_raw(ONE / 100), Quantity::from_raw(ONE / 100)).unwrap();
    let off = RULES.iter().filter(|rule| gate.limits().bound(rule.name) == Some(i64::MAX)).count();
    println!(
        "{} rules, {off} of them off; {INSTRUMENTS} instruments, 200 own orders; batches of {BATCH} new orders",
        RULES.len()
    );
    for thousands in [0, 100, 500, 1_000] {
        let first = thousands * 1_000;
        let mut nanos: Vec<u128> =
            (0..50).map(|batch| timed(&mut gate, &account, &instrument, first + batch * BATCH)).collect();
        nanos.sort_unstable();
        let per = |index: usize| nanos[index] as f64 / BATCH as f64;
        let next = order(first + 50 * BATCH, Side::Buy);
        let (market, now) = market(first + 50 * BATCH);
        let verdict = gate.preview(&next, &of_symbol(&instrument, &next), &account, market, now).unwrap();
        let idle = verdict.lines().filter(|(_, line)| !matches!(line.outcome, Outcome::Holds)).count();
        println!(
            "from order {first}: median batch {:.2} M checks/s ({:.0} ns a check), best {:.2} M/s ({:.0} ns); {idle} rules not ruling",
            1e3 / per(25),
            per(25),
            1e3 / per(0),
            per(0)
        );
    }
}

fn of_symbol(instrument: &Instrument, request: &OrderRequest) -> Instrument {
    Instrument { symbol: request.symbol, ..*instrument }
}

/// The market at the time of an order, and the time.
fn market(number: usize) -> (Market, UtcNanos) {
    let now = UtcNanos(1 + number as i64 * 10_000);
    let quote = Some(Quote { price: Price::from_raw(100 * ONE), ts_event: now });
    let book = Some(TopOfBook { bid: Price::from_raw(99 * ONE), ask: Price::from_raw(101 * ONE), ts_event: now });
    (Market { quote, book }, now)
}

/// Nanoseconds for one batch of new orders, all of which must pass.
fn timed(gate: &mut RiskGate, account: &Exposure, instrument: &Instrument, first: usize) -> u128 {
    let orders: Vec<OrderRequest> = (0..BATCH).map(|one| order(first + one, Side::Buy)).collect();
    let started = Instant::now();
    for (number, request) in orders.iter().enumerate() {
        let (market, now) = market(first + number);
        let ruled = gate.approve(request, &of_symbol(instrument, request), account, market, now).unwrap();
        assert!(black_box(ruled).is_ok(), "an order of the bench was refused");
    }
    started.elapsed().as_nanos()
}
