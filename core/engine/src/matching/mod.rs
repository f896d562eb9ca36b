//! Matching: the practice venue, which fills orders on bars by one documented worst-case rule, and the pieces that every
//! venue of this crate is built from (fees, slippage, latency, triggers, OCO groups and brackets).
//!
//! # The rule
//! A bar says where prices were, not in which order, so every doubt is resolved against the trader. For each bar of a
//! symbol, in this order:
//! 1. **Before**: orders whose time is over expire.
//! 2. **Open, protection**: a stop that the open has passed fills at the open (less slippage); a target that the open
//!    has passed fills at the open. The rest of a stop that woke earlier fills here.
//! 3. **Open, orders**, as they were accepted: conditional orders that the open has reached wake; market orders fill at
//!    the open moved by slippage against the trader; limit orders that the open already satisfies fill at the open.
//! 4. **Inside the bar, stops**: a touched stop wakes and fills at its level moved by slippage (a stop-limit not beyond
//!    its limit; one whose limit is not to be had at its trigger rests from the next bar on). The protective stop comes
//!    first, then the others as [`TriggerBook`] fires them. Stop before target, always.
//! 5. **Inside the bar, limits**: only when the price went *through* the limit (a touch is not enough), at the limit.
//!    If an order that may open a position filled inside the bar, the protective stop may still be hit by this bar,
//!    targets may not.
//! 6. **Inside the bar, targets**: take-profit orders wake at a touch and fill at their level moved by slippage; the
//!    protective target fills when the price went through it, at its price.
//! 7. **After**: trailing levels follow the bar's extremes. A close beyond the new level proves that it was hit after
//!    the extreme: the order fills at the close moved by slippage. Then orders whose time is over expire, and the
//!    position is marked at the close.
//!
//! No fill is outside the bar's range. No order fills on a bar that began before the order was accepted, woke or got a
//! new price. A position's stop and target are orders of their own, one cancels the other, and both follow its size.
//!
//! # Options
//! - **At once** (ioc, fok) means the open of the next bar: ioc takes what it can there, fok all or nothing; what is
//!   left expires. **Gtd** fills inside a bar only when the bar ends by its expiry (the fill could be later otherwise),
//!   at the open when the bar begins before it. **Day** is gtd until the midnight (UTC) after its acceptance; at
//!   midnight the new day has begun.
//! - **Post-only** is cancelled, with the reason in the step, when the first open it may trade on would take it (or the
//!   price at which it wakes). Later it rests and is a maker.
//! - **Reduce-only** trades at most what there is to reduce and is cancelled when there is nothing.
//! - **Iceberg**: a bar shows no queue, so the display size changes nothing; it is validated.
//! - **OCO**: the first order of a group that trades, also in part, cancels the others at once; the group is spent.
//! - **Participation**: all fills of a bar together take at most that share of its volume, in whole lots, in the order
//!   above; the rest waits for the next bar (a market order or woken stop for its open). Without it orders fill whole.
//! - **Fees**: the maker's for limits that waited through an open, and for targets; else the taker's.
//!
//! Deterministic: same orders and bars, same events and same [`PracticeVenue::state_hash`]. The account is a
//! [`crate::portfolio::Portfolio`] owned by the venue.

mod amend;
mod contingency;
mod desk;
pub mod exchange;
mod execute;
mod fees;
mod latency;
mod report;
mod session;
mod slippage;
mod trailing;
mod triggers;
mod venue;

pub use contingency::{Bracket, Leg, LegAction, OcoGroups};
pub use fees::{Charges, FeeError, FeeModel, FeeTier, Liquidity, RollingVolume};
pub use latency::{Delay, DelayQueue, LatencyModel, Message, SplitMix64};
pub use report::{
    Amendment, Bar, FillRecord, OrderRecord, OrderStep, RestoredOrder, VenueConfig, VenueError, VenueEvent,
};
pub use slippage::SlippageModel;
pub use triggers::{Fired, TrailState, TriggerBook, wakes_rising};
pub use venue::PracticeVenue;
