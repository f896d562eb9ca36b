//! Funding, liquidation, bankruptcy and the trading day at the desk; a restart from what was told gives the same account.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop at a wrong shape")]

use std::collections::BTreeMap;

use deepalpha_engine::desk::{
    DeskConfig, DeskError, DeskEvent, EventOverflow, ExecutionDesk, Overflow, Settled, Submitted,
};
use deepalpha_engine::matching::FeeModel;
use deepalpha_engine::matching::exchange::{ExchangeConfig, LiquidityKind};
use deepalpha_engine::orders::{OrderRequest, OrderType, PositionSide};
use deepalpha_engine::portfolio::{AccountKind, AccountTerms, MarginMode, PositionMode};
use deepalpha_engine::risk::Limits;
use deepalpha_engine::types::{
    ClientOrderId, Currency, Instrument, InstrumentKind, Money, Price, Quantity, Ratio, Side, SourceId, StrategyId,
    Symbol, UtcNanos,
};
use proptest::prelude::*;

fn symbol() -> Symbol {
    Symbol::parse("BTC-PERP").unwrap()
}

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).unwrap()
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn terms(mode: MarginMode, positions: PositionMode) -> DeskConfig {
    let usdt = Currency::parse("USDT").unwrap();
    let kind = AccountKind::Futures { leverage: ratio("10"), mode };
    DeskConfig {
        limits: Limits::open(),
        account: AccountTerms { position_mode: positions, ..AccountTerms::new(kind, usdt) },
        cash: money("1000"),
        fees: FeeModel::flat(ratio("0.0005")),
        exchange: ExchangeConfig::default(),
        liquidity: LiquidityKind::Book,
        throttle: None,
        waiting: 8,
        overflow: Overflow::default(),
        events: 100_000,
        event_overflow: EventOverflow::DropOldest,
    }
}

fn perpetual() -> Instrument {
    Instrument {
        kind: InstrumentKind::Perpetual,
        currency: Currency::parse("USDT").unwrap(),
        multiplier: quantity("0.1"),
        maintenance_margin: ratio("0.05"),
        ..Instrument::new(symbol(), price("0.1"), quantity("1")).unwrap()
    }
}

fn open(config: DeskConfig) -> ExecutionDesk {
    open_with(config, perpetual())
}

fn open_with(config: DeskConfig, instrument: Instrument) -> ExecutionDesk {
    let mut desk = ExecutionDesk::new(config, UtcNanos(0)).unwrap();
    desk.list(instrument).unwrap();
    desk
}

fn show(desk: &mut ExecutionDesk, bid: &str, ask: &str, size: &str, now: i64) {
    let size = quantity(size);
    desk.quote(&symbol(), &[(price(bid), size)], &[(price(ask), size)], UtcNanos(now)).unwrap();
}

fn order(name: &str, side: Side, amount: &str, leg: PositionSide) -> OrderRequest {
    let (id, source) = (ClientOrderId::parse(name).unwrap(), SourceId::parse(name).unwrap());
    let market = OrderType::Market;
    OrderRequest {
        position_side: leg,
        ..OrderRequest::new(id, source, symbol(), side, quantity(amount), market, price("1000"))
    }
}

fn settled(desk: &ExecutionDesk) -> Vec<Settled> {
    let told = desk.events_since(1).filter_map(|event| match event {
        DeskEvent::Settled(settled) => Some(*settled),
        _ => None,
    });
    told.collect()
}

/// A new desk from what another one told, as after a restart.
fn restarted(desk: &ExecutionDesk, config: DeskConfig) -> ExecutionDesk {
    retold(desk, open(config))
}

fn retold(desk: &ExecutionDesk, mut again: ExecutionDesk) -> ExecutionDesk {
    let mut legs = BTreeMap::new();
    for event in desk.events_since(1) {
        match event {
            DeskEvent::Intent(request) | DeskEvent::Attached(request) => {
                legs.insert(request.client_order_id, request.position_side);
            }
            DeskEvent::Fill(fill) => again.restore_fill(fill, legs[&fill.client_order_id], StrategyId::EMPTY).unwrap(),
            DeskEvent::Settled(settled) => again.restore_settled(settled).unwrap(),
            _ => {}
        }
    }
    again
}

/// Balances and legs, without the prices that no log has.
fn account(desk: &ExecutionDesk) -> (Vec<String>, Vec<String>) {
    let portfolio = desk.portfolio().unwrap();
    let balances = portfolio.balances().map(|balance| {
        let kept = [balance.total, balance.realised, balance.fees, balance.funding, balance.deficit, balance.isolated];
        format!("{} {kept:?}", balance.currency)
    });
    let legs = portfolio.legs().filter(|(.., position)| position.quantity.raw() != 0);
    let legs = legs.map(|(_, leg, position)| {
        format!("{leg:?} {} {} {} {}", position.quantity, position.cost, position.margin, position.unsettled)
    });
    (balances.collect(), legs.collect())
}

#[test]
fn funding_is_paid_on_the_units_of_the_position_and_told() {
    let mut desk = open(terms(MarginMode::Cross, PositionMode::Netting));
    show(&mut desk, "999.9", "1000", "1000", 1);
    desk.submit(order("a", Side::Buy, "10", PositionSide::Net), UtcNanos(2)).unwrap();
    desk.settle(UtcNanos(3), &[(symbol(), ratio("0.001"), price("1000"))], &[]).unwrap();
    // 10 contracts of 0.1 at 1000 are 1000: a thousandth of it is 1.
    let paid = Settled::Funding { instrument: symbol(), leg: PositionSide::Net, amount: money("-1") };
    assert_eq!(settled(&desk), [paid]);
    let totals = desk.totals().unwrap();
    assert_eq!((totals.funding, totals.fees), (money("-1"), money("0.5")));
    assert_eq!(desk.exposure().totals().equity, totals.equity, "the gate knows");
}

#[test]
fn below_the_maintenance_margin_the_venue_closes_by_an_order_of_its_own() {
    let config = DeskConfig {
        exchange: ExchangeConfig {
            liquidations: ClientOrderId::parse("PAPER-7-").unwrap(),
            ..ExchangeConfig::default()
        },
        ..terms(MarginMode::Cross, PositionMode::Netting)
    };
    let mut desk = open(config);
    show(&mut desk, "999.9", "1000", "1000", 1);
    desk.submit(order("a", Side::Buy, "90", PositionSide::Net), UtcNanos(2)).unwrap();
    show(&mut desk, "930", "931", "1000", 3);
    desk.settle(UtcNanos(4), &[], &[(symbol(), price("930.5"))]).unwrap();
    let told: Vec<_> = desk
        .events_since(1)
        .filter_map(|event| match event {
            DeskEvent::Attached(request) => Some(request.client_order_id.as_str().to_owned()),
            _ => None,
        })
        .collect();
    assert!(told.iter().all(|id| id.starts_with("PAPER-7-LIQ-")) && told.len() == 1, "{told:?}");
    assert_eq!(desk.portfolio().unwrap().quantity(&symbol()).raw(), 0);
    let totals = desk.totals().unwrap();
    assert_eq!(totals.equity, totals.cash);
    assert_eq!(desk.exposure().totals().equity, totals.equity);
    assert_eq!(desk.exposure().totals().gross, Money::ZERO);
}

#[test]
fn a_bankrupt_account_is_taken_over_and_owes_nothing() {
    let mut desk = open(terms(MarginMode::Cross, PositionMode::Netting));
    show(&mut desk, "999.9", "1000", "90", 1);
    desk.submit(order("a", Side::Buy, "90", PositionSide::Net), UtcNanos(2)).unwrap();
    // Nobody bids: the venue's order finds nothing, and the mark is far below the bankruptcy price.
    desk.quote(&symbol(), &[], &[(price("600"), quantity("1"))], UtcNanos(3)).unwrap();
    desk.settle(UtcNanos(4), &[], &[(symbol(), price("500"))]).unwrap();
    let kinds: Vec<_> = settled(&desk).iter().map(Settled::as_str).collect();
    assert_eq!(kinds, ["liquidated", "deficit"]);
    assert_eq!(desk.totals().unwrap().equity, Money::ZERO);
    assert_eq!(desk.exposure().totals().equity, Money::ZERO);
    assert_eq!(desk.exposure().totals().gross, Money::ZERO);
    let again = restarted(&desk, terms(MarginMode::Cross, PositionMode::Netting));
    assert_eq!(account(&again), account(&desk));
}

#[test]
fn shares_bought_today_can_be_sold_from_the_next_trading_day_on() {
    let usd = Currency::parse("USDT").unwrap();
    let config = DeskConfig {
        account: AccountTerms::new(AccountKind::Spot, usd),
        cash: money("100000"),
        limits: Limits::open(),
        ..terms(MarginMode::Cross, PositionMode::Netting)
    };
    let share = Instrument {
        kind: InstrumentKind::Equity,
        currency: usd,
        t_plus_one: true,
        odd_lot_exit: true,
        ..Instrument::new(symbol(), price("0.01"), quantity("100")).unwrap()
    };
    let mut desk = open_with(config.clone(), share);
    show(&mut desk, "9.99", "10", "1000", 1);
    desk.submit(order("a", Side::Buy, "100", PositionSide::Net), UtcNanos(2)).unwrap();
    let sells = |desk: &mut ExecutionDesk, name: &str, now: i64| {
        let sold = desk.submit(order(name, Side::Sell, "100", PositionSide::Net), UtcNanos(now));
        matches!(sold, Ok(Submitted::Sent(state)) if state.as_str() == "filled")
    };
    let again = |desk: &ExecutionDesk| {
        let mut again = retold(desk, open_with(config.clone(), share));
        show(&mut again, "9.99", "10", "1000", 5);
        again
    };
    assert!(!sells(&mut again(&desk), "b", 6), "a restart begins no day");
    assert!(!sells(&mut desk, "b", 3));
    desk.start_trading_day().unwrap();
    assert!(sells(&mut again(&desk), "c", 6), "a day that began stays begun");
    assert!(sells(&mut desk, "c", 4));
    assert_eq!(settled(&desk), [Settled::TradingDay]);
}

#[test]
fn an_instrument_of_another_currency_is_refused_by_name() {
    let mut desk = open(terms(MarginMode::Cross, PositionMode::Netting));
    let foreign =
        Instrument { symbol: Symbol::parse("X").unwrap(), currency: Currency::parse("EUR").unwrap(), ..perpetual() };
    let refused = desk.list(foreign).unwrap_err();
    assert!(matches!(refused, DeskError::ForeignCurrency { .. }));
    assert_eq!(refused.to_string(), "X is priced in EUR and the account is in USDT; open an account of its own for it");
}

#[test]
fn a_halted_hedged_account_closes_its_legs_and_opens_none() {
    let mut desk = open(terms(MarginMode::Cross, PositionMode::Hedging));
    show(&mut desk, "999.9", "1000", "1000", 1);
    desk.submit(order("a", Side::Buy, "10", PositionSide::Long), UtcNanos(2)).unwrap();
    desk.submit(order("b", Side::Sell, "10", PositionSide::Short), UtcNanos(3)).unwrap();
    desk.halt("enough", "a person", UtcNanos(4));
    // Net flat, so by the net position each of these would open and none would close.
    let limit = |name, side, amount, leg, at| OrderRequest {
        order_type: OrderType::Limit(price(at)),
        ..order(name, side, amount, leg)
    };
    let mut opens = |request: OrderRequest| {
        let refused = desk.submit(request, UtcNanos(5)).unwrap_err();
        assert!(matches!(refused, DeskError::Refused(_)), "{refused}");
    };
    opens(order("c", Side::Buy, "1", PositionSide::Long));
    opens(order("d", Side::Sell, "1", PositionSide::Short));
    opens(order("e", Side::Sell, "11", PositionSide::Long));
    // Two closes that together are more than the leg: the venue cuts the second to size, so neither can open.
    desk.submit(limit("f", Side::Sell, "6", PositionSide::Long, "1040"), UtcNanos(6)).unwrap();
    desk.submit(limit("g", Side::Sell, "6", PositionSide::Long, "1041"), UtcNanos(7)).unwrap();
    show(&mut desk, "1050", "1051", "1000", 8);
    assert_eq!(
        desk.portfolio().unwrap().quantity(&symbol()).raw(),
        -quantity("10").raw(),
        "the short leg alone is left"
    );
    desk.submit(order("h", Side::Buy, "10", PositionSide::Short), UtcNanos(9)).unwrap();
    assert_eq!(desk.portfolio().unwrap().legs().map(|(.., leg)| leg.quantity.raw()).sum::<i64>(), 0);
}

#[test]
fn the_gate_counts_the_units_of_a_contract() {
    let mut limits = Limits::open();
    limits.set("max_order_notional", money("1000").raw()).unwrap();
    let mut desk = open(DeskConfig { limits, ..terms(MarginMode::Cross, PositionMode::Netting) });
    show(&mut desk, "999.9", "1000", "1000", 1);
    // 10 contracts of 0.1 at 999.95 are 999.95; 11 are 1099.945, which is beyond.
    desk.submit(order("a", Side::Buy, "10", PositionSide::Net), UtcNanos(2)).unwrap();
    assert_eq!(desk.exposure().totals().gross, money("1000"));
    // Five more that wait at 990 are 495 more at worst, until they are taken back.
    let waits =
        OrderRequest { order_type: OrderType::Limit(price("990")), ..order("w", Side::Buy, "5", PositionSide::Net) };
    desk.submit(waits, UtcNanos(3)).unwrap();
    assert_eq!(desk.exposure().totals().gross, money("1495"));
    desk.cancel(&waits.client_order_id, UtcNanos(3), "by hand").unwrap();
    assert_eq!(desk.exposure().totals().gross, money("1000"));
    let refused = desk.submit(order("b", Side::Buy, "11", PositionSide::Net), UtcNanos(3)).unwrap_err();
    assert!(refused.to_string().contains("1099.945"), "{refused}");
}

#[derive(Clone, Debug)]
enum Move {
    Trade { buys: bool, long: bool, amount: u8 },
    Price(u16),
    Fund(i16),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => (any::<bool>(), any::<bool>(), 1_u8..40).prop_map(|(buys, long, amount)| Move::Trade { buys, long, amount }),
        2 => (600_u16..1400).prop_map(Move::Price),
        1 => (-50_i16..50).prop_map(Move::Fund),
    ];
    prop::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happened, what was told restores it, and the gate's equity is the account's after every settlement.
    #[test]
    fn what_was_told_restores_the_account(moves in moves(), isolated in any::<bool>(), hedges in any::<bool>()) {
        let mode = if isolated { MarginMode::Isolated } else { MarginMode::Cross };
        let positions = if hedges { PositionMode::Hedging } else { PositionMode::Netting };
        let mut desk = open(terms(mode, positions));
        show(&mut desk, "999.9", "1000", "60", 1);
        for (number, step) in (2_i64..).zip(&moves) {
            let now = UtcNanos(number);
            match step {
                Move::Trade { buys, long, amount } => {
                    let side = if *buys { Side::Buy } else { Side::Sell };
                    let leg = match (hedges, long) {
                        (false, _) => PositionSide::Net,
                        (true, true) => PositionSide::Long,
                        (true, false) => PositionSide::Short,
                    };
                    let request = order(&format!("o{number}"), side, &amount.to_string(), leg);
                    let _refused_or_sent = desk.submit(request, now);
                    prop_assert_eq!(desk.exposure().totals().equity, desk.totals().unwrap().equity);
                }
                Move::Price(units) => {
                    show(&mut desk, &units.to_string(), &(units + 1).to_string(), "60", number);
                    desk.settle(now, &[], &[(symbol(), price(&units.to_string()))]).unwrap();
                    prop_assert_eq!(desk.exposure().totals().equity, desk.totals().unwrap().equity);
                }
                Move::Fund(rate) => {
                    let rate = Ratio::from_raw(i64::from(*rate) * 10_000);
                    desk.settle(now, &[(symbol(), rate, price("1000"))], &[]).unwrap();
                    prop_assert_eq!(desk.exposure().totals().equity, desk.totals().unwrap().equity);
                }
            }
        }
        let again = restarted(&desk, terms(mode, positions));
        prop_assert_eq!(account(&again), account(&desk));
    }
}
