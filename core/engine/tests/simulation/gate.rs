//! The only way to an `Approved`: through a gate, here one without bounds.

use std::collections::BTreeMap;

use deepalpha_engine::orders::OrderRequest;
use deepalpha_engine::risk::{AccountView, Approved, Limits, Quote, RiskGate};
use deepalpha_engine::types::{Instrument, Money, Price, Quantity, SignedQuantity, UtcNanos};

/// Approve whatever makes sense.
pub fn approve(request: OrderRequest) -> Approved {
    let mut gate = RiskGate::new(Limits::open());
    let one = Instrument::new(request.symbol, Price::from_raw(1), Quantity::from_raw(1));
    let instrument = one.unwrap_or_else(|error| panic!("{error}"));
    let quote = Quote { price: request.reference_price, ts_event: UtcNanos(1) };
    let mut account = AccountView { equity: Money::from_raw(1 << 60), ..AccountView::default() };
    if request.reduce_only {
        let held = SignedQuantity::from_raw(if request.side.is_buy() { -(1 << 60) } else { 1 << 60 });
        account.positions = BTreeMap::from([(request.symbol, held)]);
    }
    let verdict = gate.check(request, &instrument, &account, Some(quote), UtcNanos(2));
    match verdict {
        Ok((_, Ok(approved))) => approved,
        other => panic!("the open gate refused: {other:?}"),
    }
}
