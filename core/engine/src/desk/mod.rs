//! The desk: what stands between a caller and the order core.
//!
//! # Layout
//! - [`engine`]: [`ExecutionDesk`], one object from throttle to event; `amend`, `feed`, `settle`, `work`, `view` are
//!   its parts, `desk_terms` its settings and errors. [`events`]: the ring it tells through.
//! - [`throttle`]: how many operations may leave. [`queue`]: what waits, the urgent first.
//! - [`latency`]: how long it took, by durability level.
//! - [`parents`]: orders that are worked off in slices: [`twap`], [`vwap`], [`pov`].

mod amend;
mod desk_terms;
pub mod engine;
pub mod events;
mod feed;
pub mod latency;
mod parent_terms;
pub mod parents;
pub mod pov;
pub mod queue;
mod restore;
mod settle;
pub mod throttle;
pub mod twap;
mod view;
pub mod vwap;
mod work;

pub use engine::{DeskConfig, DeskCounts, DeskError, ExecutionDesk, Submitted};
pub use events::{DeskEvent, EventBatch, EventOverflow, EventRing, Settled};
pub use feed::Level;
pub use latency::{Durability, LatencyByDurability, LatencyHistogram, LatencySummary};
pub use parents::{
    ChildReport, EndRule, ParentAction, ParentError, ParentOrder, ParentRequest, ParentState, Pov, Schedule, Twap, Vwap,
};
pub use queue::{Overflow, Priority, PriorityQueue, QueueCounts, QueueFull};
pub use throttle::{
    Admission, Operation, Rate, Throttle, ThrottleCounts, ThrottleError, ThrottleLimits, ThrottlePolicy,
};
