//! Order books of one instrument, on whole ticks and lots.
//!
//! # Layout
//! - [`Ticks`], [`Lots`] (`steps`): what a book counts in.
//! - [`Book`] (`l3`, `matching`, `view`): single orders, price-time priority. `order` and `error` are its messages.
//! - [`Depth`] (`depth`): a replica of somebody's price levels. `queue`: where a simulated order stands in one.
//! - Inside: `slab` (arena), `keys` (order key to slot), `ladder` and `sorted` (levels of a side, best first).
//!
//! # Rules of [`Book`]
//! - Better price first, then first come. A trade is at the resting order's price. The book is never crossed.
//! - A decrease keeps the place in the queue; an increase or another price loses it.
//! - An iceberg shows at most its display quantity; each refill goes to the back of its level.
//! - Two orders of one owner never trade; the incoming order's [`SelfTrade`] says which gives way.
//! - Market, immediate-or-cancel and fill-or-kill orders never rest; post-only never takes.
//! - Trade ids and level update ids count from 1 without a gap. [`Depth`] fed with the changes equals the book's depth.
//! - An error means that nothing changed. Nothing panics. A command costs what it trades and cancels; a
//!   fill-or-kill order also the orders it looks at, an iceberg makes at most [`MAX_ICEBERG_SLICES`] trades.
//!
//! Deterministic: the same commands give the same reports and the same [`Book::state_hash`]. Submit, cancel and amend
//! are O(1) and allocate nothing once grown, plus O(1) per trade; O(log levels) for prices far from the market.

mod depth;
mod error;
mod keys;
mod l3;
mod ladder;
mod matching;
mod order;
mod queue;
mod slab;
mod sorted;
mod steps;
mod view;

pub use depth::{Depth, DepthError};
pub use error::BookError;
pub use l3::{Book, MAX_ICEBERG_SLICES};
pub use order::{
    DepthLevel, LevelChange, NewOrder, Outcome, Prevention, Report, RestingOrder, SelfTrade, TimeInForce, Trade,
};
pub use queue::{QueueError, QueueModel, QueuePosition};
pub use steps::{Lots, StepError, Ticks};
pub use view::BookSnapshot;
