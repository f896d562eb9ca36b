//! What the tests of the practice venue share: a venue that lists X, bars by day, orders by name.
#![allow(dead_code, reason = "each test file uses its part")]

use deepalpha_engine::matching::{Bar, FillRecord, PracticeVenue, VenueConfig, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::risk::{Approved, Limits, OFF, RiskGate};
use deepalpha_engine::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Ratio, Side, SourceId, Symbol, TradeId, UtcNanos,
};

pub(crate) const DAY: i64 = UtcNanos::DAY;
pub(crate) const BUY: Side = Side::Buy;
pub(crate) const SELL: Side = Side::Sell;

pub(crate) fn price(text: &str) -> Price {
    Price::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn money(text: &str) -> Money {
    Money::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn id(text: &str) -> ClientOrderId {
    ClientOrderId::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn lots(count: i64) -> Quantity {
    Quantity::from_raw(count * 100_000_000)
}

pub(crate) fn listed(symbol: &str) -> Instrument {
    let symbol = Symbol::parse(symbol).unwrap_or_else(|error| panic!("{error}"));
    Instrument::new(symbol, price("0.01"), lots(1)).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn venue_of(config: VenueConfig) -> PracticeVenue {
    PracticeVenue::new(config, vec![listed("X"), listed("Y")], money("100000"))
        .unwrap_or_else(|error| panic!("{error}"))
}

/// No costs, orders filled whole.
pub(crate) fn free() -> VenueConfig {
    VenueConfig::simple(Ratio::ZERO, Ratio::ZERO)
}

/// No bounds, and own orders may be on both sides: at this venue they never meet.
pub(crate) fn open_gate() -> RiskGate {
    RiskGate::new(Limits::open().with("self_trade", OFF).unwrap_or_else(|error| panic!("{error}")))
}

/// Day `day` of X with a volume of 100 lots.
pub(crate) fn bar(day: i64, [open, high, low, close]: [&str; 4]) -> Bar {
    let [open, high, low, close] = [open, high, low, close].map(price);
    Bar {
        symbol: listed("X").symbol,
        ts_open: UtcNanos(day * DAY),
        ts_event: UtcNanos((day + 1) * DAY),
        open,
        high,
        low,
        close,
        volume: lots(100),
    }
}

pub(crate) fn order(name: &str, side: Side, quantity: i64, order_type: OrderType) -> OrderRequest {
    let source = SourceId::parse(&format!("decision of {name}")).unwrap_or_default();
    OrderRequest::new(id(name), source, listed("X").symbol, side, lots(quantity), order_type, price("100"))
}

pub(crate) fn approve(venue: &PracticeVenue, request: OrderRequest, now: UtcNanos) -> Approved {
    let mut account = venue.clone();
    if request.reduce_only {
        // The gate must not be what keeps a reduce-only order honest: it sees an account that holds enough.
        let held = FillRecord {
            fill_id: TradeId::parse("held").unwrap_or_default(),
            client_order_id: id("held"),
            decision_id: request.decision_id,
            symbol: request.symbol,
            side: request.side.opposite(),
            quantity: lots(10_000),
            price: price("0.01"),
            fee: Money::ZERO,
            realised: Money::ZERO,
            ts_event: now,
            reason: "held",
        };
        account.restore_fill(&held).unwrap_or_else(|error| panic!("{error}"));
    }
    let account = account.account_view().unwrap_or_else(|error| panic!("{error}"));
    let quote = venue.quote(&request.symbol);
    match open_gate().check(request, &listed(&request.symbol), &account, quote, now) {
        Ok((_, Ok(approved))) => approved,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn submit(venue: &mut PracticeVenue, request: OrderRequest, now: UtcNanos) -> Vec<VenueEvent> {
    let approved = approve(venue, request, now);
    venue.submit(approved, now).unwrap_or_else(|error| panic!("{error}"))
}

/// A venue that has seen day 0 (all prices 100) and holds the orders from its close on.
pub(crate) fn with(config: VenueConfig, requests: impl IntoIterator<Item = OrderRequest>) -> PracticeVenue {
    let mut venue = venue_of(config);
    on(&mut venue, &bar(0, ["100"; 4]));
    for request in requests {
        submit(&mut venue, request, UtcNanos(DAY));
    }
    venue
}

pub(crate) fn on(venue: &mut PracticeVenue, bar: &Bar) -> Vec<VenueEvent> {
    venue.on_bar(bar).unwrap_or_else(|error| panic!("{error}"))
}

/// Fills of a bar as `side lots @ price`, with the line of the rule.
pub(crate) fn fills(venue: &mut PracticeVenue, bar: &Bar) -> Vec<(String, &'static str)> {
    let shown = |fill: FillRecord| {
        let (side, quantity, price) = (fill.side.as_str(), fill.quantity, fill.price);
        (format!("{side} {quantity} @ {price}"), fill.reason)
    };
    on(venue, bar)
        .into_iter()
        .filter_map(|event| if let VenueEvent::Fill(fill) = event { Some(shown(fill)) } else { None })
        .collect()
}

/// Steps of a bar as `id event state: reason`.
pub(crate) fn steps(events: &[VenueEvent]) -> Vec<String> {
    let shown = |event: &VenueEvent| match event {
        VenueEvent::Step(step) => {
            Some(format!("{} {} {}: {}", step.client_order_id, step.event, step.state, step.reason))
        }
        VenueEvent::Attached(_) | VenueEvent::Fill(_) => None,
    };
    events.iter().filter_map(shown).collect()
}

pub(crate) fn state(venue: &PracticeVenue, name: &str) -> &'static str {
    venue.order_state(name).map_or("none", |state| state.as_str())
}
