//! Orders: what is asked for ([`OrderRequest`]) and how an order lives ([`OrderState`], [`transition`]).
//!
//! A request is not an order: it becomes one only as [`crate::risk::Approved`]. Facts are never mutated backwards:
//! the life cycle is one table, and a step that is not in it is an error.

mod state;

pub use state::{IllegalTransition, OrderEventKind, OrderState, transition};

use crate::types::{Price, Quantity, Side};

/// How an order wants to be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderType {
    /// At the next price.
    Market,
    /// At this price or better.
    Limit(Price),
    /// A market order once this price trades. Used for protective stops.
    Stop(Price),
}

impl OrderType {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit(_) => "limit",
            Self::Stop(_) => "stop",
        }
    }

    /// Limit or trigger price.
    #[must_use]
    pub const fn price(self) -> Option<Price> {
        match self {
            Self::Market => None,
            Self::Limit(price) | Self::Stop(price) => Some(price),
        }
    }
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRequest {
    /// Deterministic id, never reused; the venue is idempotent by it.
    pub client_order_id: String,
    /// The decision or command it comes from; one decision, one order.
    pub decision_id: String,
    /// Instrument.
    pub symbol: String,
    /// Direction.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// Market, limit or stop.
    pub order_type: OrderType,
    /// May only shrink a position; never opens or flips one.
    pub reduce_only: bool,
    /// Price the decision was taken at; the price band is measured from it.
    pub reference_price: Price,
    /// Protective stop for the position this order opens.
    pub stop_loss: Option<Price>,
    /// Target for the position this order opens.
    pub take_profit: Option<Price>,
}
