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

/// An order of a long row of them: some malformed, too large, too far off, seen before, or only closing.
fn any_order(number: i64, seed: u64) -> OrderRequest {
    let pick = |shift: u32, count: u64| i64::try_from((seed >> shift) % count).unwrap();
    let side = if pick(60, 2) == 0 { Side::Buy } else { Side::Sell };
    let id = ClientOrderId::parse(&format!("O-{}", if pick(8, 9) == 0 { number / 2 } else { number })).unwrap();
    let decision = SourceId::parse(&format!("D-{}", if pick(12, 9) == 0 { number / 2 } else { number })).unwrap();
    let quantity = Quantity::from_raw([0, ONE / 2, ONE, 2 * ONE, 900_000 * ONE][usize::try_from(pick(20, 5)).unwrap()]);
    let at = price([98, 100, 100, 101, 180][usize::try_from(pick(30, 5)).unwrap()]);
    let order_type = if pick(40, 3) == 0 { OrderType::Market } else { OrderType::Limit(at) };
    OrderRequest {
        stop_loss: Some(price(if side.is_buy() { 97 } else { 103 })),
        forced: pick(50, 3) == 0,
        ..OrderRequest::new(id, decision, symbol("X"), side, quantity, order_type, price(100))
    }
}

#[test]
fn an_order_that_is_only_approved_fares_as_one_of_which_every_rule_is_told() {
    let (mut told, mut short) = (RiskGate::default(), RiskGate::default());
    let instrument = Instrument::new(symbol("X"), Price::from_raw(1), Quantity::from_raw(1)).unwrap();
    let (mut account, mut seed, mut refusals) = (account(), 3_u64, std::collections::BTreeSet::new());
    let mut approved = 0;
    for number in 0..4_000_i64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if number % 400 == 350 {
            told.kill("a test");
            short.kill("a test");
        } else if number % 400 == 0 {
            told.rearm();
            short.rearm();
            let held = SignedQuantity::from_raw(if number % 800 == 0 { 3 * ONE } else { -ONE });
            account.restore(StrategyId::EMPTY, &symbol("X"), held, price(100)).unwrap();
        }
        let (request, now) = (any_order(number, seed), UtcNanos(number * 1_000_000_000));
        let quote = (number % 7 != 0).then_some(deepalpha_engine::risk::Quote { price: price(100), ts_event: now });
        let market = Market::from(quote);
        let (_, long) = told.check(request, &instrument, &account, market, now).unwrap();
        let fast = short.approve(&request, &instrument, &account, market, now).unwrap();
        match (long, fast) {
            (Ok(long), Ok(fast)) => {
                approved += 1;
                assert_eq!(long.request(), fast.request());
            }
            (long, fast) => {
                let (long, fast) = (long.unwrap_err(), fast.unwrap_err());
                refusals.insert(long.rule.name);
                assert_eq!(long, fast, "order {number}");
            }
        }
    }
    assert!(approved > 200 && refusals.len() > 7, "{approved} approved, refused by {refusals:?}");
}
