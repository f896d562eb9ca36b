//! The desk: what stands between a caller and the order core.
//!
//! # Layout
//! - [`throttle`]: how many operations may leave. [`queue`]: what waits, the urgent first.
//! - [`latency`]: how long it took, by durability level.
//! - [`parents`]: orders that are worked off in slices: [`twap`], [`vwap`], [`pov`].

pub mod latency;
mod parent_terms;
pub mod parents;
pub mod pov;
pub mod queue;
pub mod throttle;
pub mod twap;
pub mod vwap;

pub use latency::{Durability, LatencyByDurability, LatencyHistogram, LatencySummary};
pub use parents::{
    ChildReport, EndRule, ParentAction, ParentError, ParentOrder, ParentRequest, ParentState, Pov, Schedule, Twap, Vwap,
};
pub use queue::{Overflow, Priority, PriorityQueue, QueueCounts, QueueFull};
pub use throttle::{
    Admission, Operation, Rate, Throttle, ThrottleCounts, ThrottleError, ThrottleLimits, ThrottlePolicy,
};
