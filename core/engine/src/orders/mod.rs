//! Orders: what is asked for ([`OrderRequest`]) and how an order lives ([`OrderState`], [`transition`]).
//!
//! A request is not an order: it becomes one only as [`crate::risk::Approved`]. Facts are never mutated backwards:
//! the life cycle is one table, and a step that is not in it is an error.

mod request;
mod state;

pub use request::{OrderRequest, OrderType, Origin, PositionSide, RequestError, TimeInForce, TrailOffset};
pub use state::{IllegalTransition, OrderEventKind, OrderState, transition};
