//! The desk: one way for every order, events that tell everything, cancels that always go.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop at a wrong shape")]

use deepalpha_engine::desk::{DeskConfig, DeskEvent, EventOverflow, ExecutionDesk, Overflow, Submitted};
use deepalpha_engine::matching::FeeModel;
use deepalpha_engine::matching::exchange::{ExchangeConfig, LiquidityKind};
use deepalpha_engine::orders::{OrderRequest, OrderState, OrderType};
use deepalpha_engine::portfolio::{AccountKind, AccountTerms};
use deepalpha_engine::risk::{Limits, OFF};
use deepalpha_engine::types::{
    ClientOrderId, Currency, Instrument, Money, Price, Quantity, Ratio, Side, SourceId, Symbol, UtcNanos,
};

fn symbol() -> Symbol {
    Symbol::parse("BTC/USDT").unwrap()
}

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

fn config() -> DeskConfig {
    let usd = Currency::parse("USDT").unwrap();
    DeskConfig {
        limits: Limits::open(),
        account: AccountTerms::new(AccountKind::Margin { leverage: Ratio::parse("3").unwrap() }, usd),
        cash: Money::parse("1000000").unwrap(),
        fees: FeeModel::flat(Ratio::parse("0.001").unwrap()),
        exchange: ExchangeConfig::default(),
        liquidity: LiquidityKind::Book,
        throttle: None,
        waiting: 8,
        overflow: Overflow::default(),
        events: 10_000,
        event_overflow: EventOverflow::DropOldest,
    }
}

fn desk_of(config: DeskConfig) -> ExecutionDesk {
    let mut desk = ExecutionDesk::new(config, UtcNanos(0)).unwrap();
    let terms = Instrument::new(symbol(), price("0.01"), quantity("0.0001")).unwrap();
    desk.list(Instrument { currency: Currency::parse("USDT").unwrap(), ..terms }).unwrap();
    show(&mut desk, "100", "100.1", 1);
    desk
}

fn show(desk: &mut ExecutionDesk, bid: &str, ask: &str, now: i64) {
    let size = quantity("50");
    desk.quote(&symbol(), &[(price(bid), size)], &[(price(ask), size)], UtcNanos(now)).unwrap();
}

fn order(name: &str, side: Side, amount: &str, kind: OrderType) -> OrderRequest {
    let (id, source) = (ClientOrderId::parse(name).unwrap(), SourceId::parse(name).unwrap());
    OrderRequest::new(id, source, symbol(), side, quantity(amount), kind, price("100"))
}

fn told(desk: &ExecutionDesk) -> Vec<String> {
    let line = |event: &DeskEvent| match event {
        DeskEvent::Intent(request) => format!("{} intent", request.client_order_id),
        DeskEvent::Refused { client_order_id, refused, .. } => {
            format!("{client_order_id} refused {}", refused.rule.name)
        }
        DeskEvent::Attached(request) => format!("{} attached", request.client_order_id),
        DeskEvent::Step(step) => format!("{} {} {} {}", step.client_order_id, step.event, step.state, step.reason),
        DeskEvent::Fill(fill) => format!("{} fill {} at {}", fill.client_order_id, fill.quantity, fill.price),
        DeskEvent::Risk(_) => "risk".to_owned(),
        DeskEvent::Settled(settled) => settled.as_str().to_owned(),
    };
    desk.events_since(1).map(line).map(|text| text.trim_end().to_owned()).collect()
}

#[test]
fn an_order_is_an_intent_an_acceptance_and_a_fill() {
    let mut desk = desk_of(config());
    let sent = desk.submit(order("a", Side::Buy, "2", OrderType::Market), UtcNanos(10)).unwrap();
    assert_eq!(sent, Submitted::Sent(OrderState::Filled { filled: quantity("2") }), "{:?}", told(&desk));
    assert_eq!(told(&desk), ["a intent", "a accept accepted", "a fill filled", "a fill 2 at 100.1"]);
    let totals = desk.totals().unwrap();
    assert_eq!(totals.equity, desk.exposure().totals().equity, "gate and account agree");
    assert_eq!(totals.fees, Money::parse("0.2002").unwrap());
}

#[test]
fn what_the_gate_lets_pass_with_its_rule_off_the_venue_still_refuses() {
    let limits = Limits::open().with("increment", OFF).unwrap();
    let mut desk = desk_of(DeskConfig { limits, ..config() });
    let wrong = OrderRequest { post_only: true, ..order("a", Side::Buy, "2", OrderType::Market) };
    assert_eq!(desk.submit(wrong, UtcNanos(10)).unwrap(), Submitted::Sent(OrderState::Rejected), "{:?}", told(&desk));
    assert_eq!(
        told(&desk),
        ["a intent", "a reject rejected a: a market order cannot be post-only; give it a limit price"]
    );
}
