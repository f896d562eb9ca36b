//! The practice venue: orders filled on bars by one documented worst-case rule.
//!
//! A bar says where prices were, not in which order, so every doubt is resolved against the trader. For each bar of a
//! symbol, in this order:
//! 1. **Open, protection**: a stop that the open has passed fills at the open (less slippage); a target that the open
//!    has passed fills at the open.
//! 2. **Open, orders**: market orders fill at the open moved by slippage against the trader; limit orders that the
//!    open already satisfies fill at the open. In the order they were accepted.
//! 3. **Inside the bar, stop**: a touched stop fills at its price moved by slippage. Stop before target, always.
//! 4. **Inside the bar, limits**: only when the price went *through* the limit (a touch is not enough), at the limit.
//!    If that opened a position, its stop may still be hit by this bar, its target may not.
//! 5. **Inside the bar, target**: only when the price went through it, at its price.
//! 6. The position is marked at the close.
//!
//! No fill is outside the bar's range. No order fills on a bar that began before the order was accepted. A position's
//! stop and target are orders of their own, one cancels the other, and both follow the position's size.
//!
//! Deterministic: same orders and bars, same events. The account is a [`Portfolio`] owned by the venue.

mod contingency;
mod fees;
mod latency;
mod slippage;
mod trailing;
mod triggers;
mod venue;

pub use contingency::{Bracket, Leg, LegAction, OcoGroups};
pub use fees::{Charges, FeeError, FeeModel, FeeTier, Liquidity, RollingVolume};
pub use latency::{Delay, DelayQueue, LatencyModel, Message, SplitMix64};
pub use slippage::SlippageModel;
pub use triggers::{Fired, TrailState, TriggerBook, wakes_rising};
pub use venue::{Bar, FillRecord, OrderRecord, OrderStep, PracticeVenue, VenueConfig, VenueError, VenueEvent};
