//! The account kept up to date is the account summed from scratch, and a reduction plan brings it back.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop at a wrong shape")]

use std::collections::BTreeMap;
use std::sync::Arc;

use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::portfolio::Portfolio;
use deepalpha_engine::risk::{Execution, Exposure, Goal, Limits, RiskGate};
use deepalpha_engine::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Ratio, Side, SignedQuantity, SourceId, StrategyId, Symbol,
    TradeId, UtcNanos,
};
use proptest::prelude::*;

const ONE: i64 = 100_000_000;
const SYMBOLS: [&str; 3] = ["A", "B", "C"];
const STRATEGIES: [&str; 2] = ["s", "t"];

fn symbol(name: &str) -> Symbol {
    Symbol::parse(name).unwrap()
}

fn strategy(name: &str) -> StrategyId {
    StrategyId::parse(name).unwrap()
}

fn order(number: usize, at: usize, whose: usize, side: Side, quantity: i64, limit: Option<i64>) -> OrderRequest {
    let price = Price::from_raw(limit.unwrap_or(ONE));
    OrderRequest {
        strategy: strategy(STRATEGIES[whose]),
        reduce_only: number % 5 == 4,
        ..OrderRequest::new(
            ClientOrderId::parse(&format!("o{number}")).unwrap(),
            SourceId::parse("d").unwrap(),
            symbol(SYMBOLS[at]),
            side,
            Quantity::from_raw(quantity),
            limit.map_or(OrderType::Market, |_| OrderType::Limit(price)),
            price,
        )
    }
}

#[derive(Clone, Debug)]
enum Step {
    Mark(usize, i64),
    Open(usize, usize, bool, i64, Option<i64>),
    Fill(prop::sample::Index, i64, i64),
    Close(prop::sample::Index),
    Unknown(prop::sample::Index, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (0..3_usize, 1_i64..ONE * 200).prop_map(|(at, price)| Step::Mark(at, price)),
        (0..3_usize, 0..2_usize, any::<bool>(), 1_i64..ONE * 50, prop::option::of(1_i64..ONE * 200))
            .prop_map(|(at, whose, buy, quantity, limit)| Step::Open(at, whose, buy, quantity, limit)),
        (index(), 1_i64..ONE * 60, 1_i64..ONE * 200)
            .prop_map(|(which, quantity, price)| Step::Fill(which, quantity, price)),
        index().prop_map(Step::Close),
        (index(), any::<bool>()).prop_map(|(which, unknown)| Step::Unknown(which, unknown)),
    ]
}

/// A naive account: lists, and sums over all of them whenever somebody asks.
#[derive(Default)]
struct Naive {
    prices: BTreeMap<usize, Price>,
    positions: BTreeMap<(usize, usize), i64>,
    orders: Vec<Working>,
}

#[derive(Clone)]
struct Working {
    request: OrderRequest,
    at: usize,
    whose: usize,
    price: Price,
    left: i64,
    unknown: bool,
}

impl Naive {
    /// (gross, net) over all instruments, and gross by strategy.
    fn totals(&self) -> (i64, i64, [i64; 2]) {
        let signed = |at: usize, whose: Option<usize>| {
            let price = self.prices.get(&at).copied().unwrap_or_default();
            let held: i64 = self
                .positions
                .iter()
                .filter(|(key, _)| key.0 == at && whose.is_none_or(|who| key.1 == who))
                .map(|(_, held)| held)
                .sum();
            let value = price.value(SignedQuantity::from_raw(held)).unwrap().raw();
            let working = |side| {
                let orders = self.orders.iter().filter(|order| {
                    order.at == at
                        && order.request.side == side
                        && !order.request.reduce_only
                        && whose.is_none_or(|who| order.whose == who)
                });
                orders.map(|order| order.price.notional(Quantity::from_raw(order.left)).unwrap().raw()).sum::<i64>()
            };
            let (up, down) = (value + working(Side::Buy), value - working(Side::Sell));
            if up.abs() >= down.abs() { up } else { down }
        };
        let all: Vec<i64> = (0..3).map(|at| signed(at, None)).collect();
        let mine = |who| (0..3).map(|at| signed(at, Some(who)).abs()).sum();
        (all.iter().map(|one| one.abs()).sum(), all.iter().sum(), [mine(0), mine(1)])
    }
}

proptest! {
    /// After any sequence of marks, orders, fills and cancels the totals are those of a sum from scratch, and equity
    /// is that of the portfolio.
    #[test]
    fn totals_are_those_of_a_sum_from_scratch(steps in prop::collection::vec(step(), 1..60)) {
        let mut kept = Exposure::new(Money::from_raw(1_000_000 * ONE), Arc::default());
        let mut portfolio = Portfolio::new(Money::from_raw(1_000_000 * ONE));
        let mut naive = Naive::default();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Mark(at, price) => {
                    kept.mark(&symbol(SYMBOLS[at]), Price::from_raw(price)).unwrap();
                    portfolio.mark(SYMBOLS[at], Price::from_raw(price));
                    naive.prices.insert(at, Price::from_raw(price));
                }
                Step::Open(at, whose, buy, quantity, limit) => {
                    let request = order(number, at, whose, if buy { Side::Buy } else { Side::Sell }, quantity, limit);
                    kept.open(&request).unwrap();
                    kept.open(&request).unwrap();
                    let last = naive.prices.get(&at).copied();
                    let price = request.order_type.price().or(last).unwrap_or(request.reference_price);
                    naive.orders.push(Working { request, at, whose, price, left: quantity, unknown: false });
                }
                Step::Fill(which, quantity, price) if !naive.orders.is_empty() => {
                    let index = which.index(naive.orders.len());
                    let working = naive.orders[index].clone();
                    let OrderRequest { client_order_id, strategy, symbol, side, .. } = working.request;
                    let (size, price, fee) = (Quantity::from_raw(quantity), Price::from_raw(price), Money::from_raw(quantity / 7));
                    kept.fill(&Execution { client_order_id, strategy, symbol, side, quantity: size, price, fee }).unwrap();
                    portfolio.book(&symbol, side, size, price, fee, &TradeId::parse("f").unwrap()).unwrap();
                    naive.prices.insert(working.at, price);
                    *naive.positions.entry((working.at, working.whose)).or_default() += if side.is_buy() { quantity } else { -quantity };
                    naive.orders[index].left -= quantity;
                    naive.orders.retain(|order| order.left > 0);
                }
                Step::Close(which) if !naive.orders.is_empty() => {
                    let gone = naive.orders.remove(which.index(naive.orders.len()));
                    prop_assert!(kept.close(&gone.request.client_order_id).unwrap());
                    prop_assert!(!kept.close(&gone.request.client_order_id).unwrap());
                }
                Step::Unknown(which, unknown) if !naive.orders.is_empty() => {
                    let index = which.index(naive.orders.len());
                    naive.orders[index].unknown = unknown;
                    kept.set_unknown(&naive.orders[index].request.client_order_id, unknown).unwrap();
                }
                _ => {}
            }
            let (gross, net, strategies) = naive.totals();
            prop_assert_eq!((kept.totals().gross.raw(), kept.totals().net.raw()), (gross, net));
            prop_assert_eq!([kept.strategy("s").raw(), kept.strategy("t").raw()], strategies);
            prop_assert_eq!(kept.totals().equity, portfolio.totals().unwrap().equity);
            prop_assert_eq!(kept.open_orders(), naive.orders.len());
            for (at, name) in SYMBOLS.iter().enumerate() {
                let unknown = naive.orders.iter().filter(|order| order.at == at && order.unknown).count();
                prop_assert_eq!(kept.row(name).map_or(0, |row| row.unknown as usize), unknown);
                prop_assert_eq!(kept.row(name).map_or(0, |row| row.leg.quantity.raw()), portfolio.quantity(name).raw());
            }
        }
        let open: Vec<ClientOrderId> = naive.orders.iter().map(|order| order.request.client_order_id).collect();
        open.iter().for_each(|id| drop(kept.close(id)));
        prop_assert_eq!(kept.totals().gross, portfolio.gross_exposure().unwrap());
    }

    /// Whatever the positions: carried out at the last prices the plan ends within the bounds, never flips, and each of
    /// its orders passes the gate even when the account is halted.
    #[test]
    fn a_reduction_plan_brings_the_account_back(
        held in prop::collection::vec((-5_000_i64..5_000, 1_i64..500), 3), equity in 1_i64..2_000_000, flat: bool,
    ) {
        let mut kept = Exposure::new(Money::from_raw(equity * ONE), Arc::default());
        for (name, (quantity, price)) in SYMBOLS.iter().zip(&held) {
            kept.list(Instrument::new(symbol(name), Price::from_raw(1), Quantity::from_raw(ONE)).unwrap());
            kept.restore(StrategyId::EMPTY, &symbol(name), SignedQuantity::from_raw(quantity * ONE), Price::from_raw(price * ONE)).unwrap();
        }
        let mut gate = RiskGate::new(Limits::default().with("max_instrument_fraction", ONE / 2).unwrap());
        gate.kill("test");
        let goal = if flat { Goal::Flat } else { Goal::Bounds };
        let plan = gate.reduction_plan(&kept, goal, SourceId::parse("breach").unwrap(), ClientOrderId::parse("RISK-1").unwrap()).unwrap();
        for (number, step) in plan.iter().enumerate() {
            let request = step.request;
            prop_assert_eq!(request.client_order_id.as_str(), format!("RISK-1-R{}", number + 1));
            let row = kept.row(&request.symbol).unwrap();
            let (instrument, price, before) = (row.instrument, row.price, row.leg.quantity.raw());
            let (_, ruled) = gate.check(request, &instrument, &kept, None, UtcNanos(1)).unwrap();
            prop_assert!(ruled.is_ok(), "{:?}", ruled);
            let OrderRequest { client_order_id, strategy, symbol, side, quantity, .. } = request;
            kept.fill(&Execution { client_order_id, strategy, symbol, side, quantity, price, fee: Money::ZERO }).unwrap();
            let after = kept.row(&request.symbol).unwrap().leg.quantity.raw();
            prop_assert!(after == 0 || (after > 0) == (before > 0), "flipped from {before} to {after}");
        }
        let total = kept.totals();
        if flat {
            prop_assert_eq!(total.gross, Money::ZERO);
        }
        prop_assert!(total.gross <= total.equity.times(Ratio::from_raw(ONE * 95 / 100)).unwrap());
        for row in kept.rows() {
            prop_assert!(row.leg.value.magnitude() <= total.equity.times(Ratio::from_raw(ONE / 2)).unwrap());
        }
    }
}

#[test]
fn the_plan_takes_the_largest_breach_first_and_what_hardly_trades_last() {
    let mut kept = Exposure::new(Money::from_raw(1_000 * ONE), Arc::default());
    for (name, value) in [("A", 300), ("B", 700), ("C", 500)] {
        kept.restore(StrategyId::EMPTY, &symbol(name), SignedQuantity::from_raw(value * ONE), Price::from_raw(ONE))
            .unwrap();
    }
    let mut gate = RiskGate::new(Limits::default().with("max_instrument_fraction", ONE * 6 / 10).unwrap());
    gate.know(symbol("A"), Some(Quantity::from_raw(1_000_000 * ONE)), None, None);
    gate.know(symbol("C"), Some(Quantity::from_raw(10 * ONE)), None, None);
    let (decision, source) = (SourceId::parse("breach").unwrap(), ClientOrderId::parse("R").unwrap());
    let plan = gate.reduction_plan(&kept, Goal::Bounds, decision, source).unwrap();
    let told: Vec<_> =
        plan.iter().map(|step| (step.request.symbol.to_string(), step.request.quantity.raw() / ONE)).collect();
    // 1500 held, 950 allowed. B is 100 over its own bound and goes first; of the other 450, A gives its 300, as it
    // trades easily, then B as the larger risk of the other two.
    assert_eq!(told, [("B".to_owned(), 250), ("A".to_owned(), 300)]);
    let all = gate.reduction_plan(&kept, Goal::Flat, decision, source).unwrap();
    let names: Vec<_> = all.iter().map(|step| step.request.symbol.to_string()).collect();
    assert_eq!(names, ["A", "B", "C"], "A trades easily; B is a larger risk than C");
}
