//! What the account keeps up to date for the gate equals what a look at everything would say.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests may stop at a wrong shape")]

use std::sync::Arc;

use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::risk::{Clusters, Exposure, Limits, Market, RiskGate};
use deepalpha_engine::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Side, SignedQuantity, SourceId, StrategyId, Symbol, UtcNanos,
};

const ONE: i64 = 100_000_000;

fn symbol(name: &str) -> Symbol {
    Symbol::parse(name).unwrap()
}

fn price(whole: i64) -> Price {
    Price::from_raw(whole * ONE)
}

fn account() -> Exposure {
    let mut account = Exposure::new(Money::from_raw(1_000_000 * ONE), Arc::new(Clusters::default()));
    account.list(Instrument::new(symbol("X"), Price::from_raw(1), Quantity::from_raw(1)).unwrap());
    account
}

fn limit(name: &str, side: Side, at: i64) -> OrderRequest {
    OrderRequest::new(
        ClientOrderId::parse(name).unwrap(),
        SourceId::parse(name).unwrap(),
        symbol("X"),
        side,
        Quantity::from_raw(ONE),
        OrderType::Limit(price(at)),
        price(at),
    )
}

#[test]
fn concentration_follows_the_prices() {
    let mut account = account();
    let names = ["A", "B", "C", "D"];
    for name in names {
        let strategy = StrategyId::parse("S").unwrap();
        account.restore(strategy, &symbol(name), SignedQuantity::from_raw(1_000 * ONE), price(100)).unwrap();
    }
    let mut prices = [100_i64; 4];
    for step in 0..400_usize {
        let (at, to) = (step * 7 % 4, 20 + (step as i64 * 37) % 300);
        prices[at] = to;
        account.mark(&symbol(names[at]), price(to)).unwrap();
        let whole: i64 = prices.iter().sum();
        let naive = prices.iter().map(|one| (one * one) as f64).sum::<f64>() / (whole * whole) as f64;
        let kept = account.totals().concentration().unwrap().to_f64();
        assert!((kept - naive).abs() < 1e-5, "step {step}: {kept} is not {naive}");
    }
}

#[test]
fn the_best_own_price_is_that_of_the_orders_that_still_rest() {
    let mut account = account();
    for (name, side, at) in [("a", Side::Sell, 110), ("b", Side::Sell, 105), ("c", Side::Buy, 90), ("d", Side::Buy, 95)]
    {
        account.open(&limit(name, side, at)).unwrap();
    }
    let gate = RiskGate::new(Limits::open());
    let instrument = Instrument::new(symbol("X"), Price::from_raw(1), Quantity::from_raw(1)).unwrap();
    let meets = |account: &Exposure, side, at| {
        let asked = limit("new", side, at);
        let verdict = gate.preview(&asked, &instrument, account, Market::default(), UtcNanos(1)).unwrap();
        verdict.line("self_trade").unwrap().measure.number() == Some(1)
    };
    assert!(meets(&account, Side::Buy, 107) && meets(&account, Side::Sell, 93));
    account.close(&ClientOrderId::parse("b").unwrap()).unwrap();
    account.close(&ClientOrderId::parse("d").unwrap()).unwrap();
    assert!(!meets(&account, Side::Buy, 107) && !meets(&account, Side::Sell, 93));
    assert!(meets(&account, Side::Buy, 110) && meets(&account, Side::Sell, 90));
}
