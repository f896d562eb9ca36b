//! Rules a market's data is held to: each one a small state of one symbol, without a clock and without allocation a tick.
//!
//! Rule numbers in comments are those of the list the tests are named after (`tests/stream_rules.rs`).

mod clock;
mod gaps;
mod quarantine;
mod reorder;
mod seen;
mod silence;
mod spike;
mod tick;

pub use quarantine::{Kept, Quarantine};

pub(crate) use clock::{Alarm, Skew};
pub(crate) use gaps::{Gap, Gaps};
pub(crate) use reorder::Reorder;
pub(crate) use seen::{Seen, Sighting};
pub(crate) use silence::{Silence, Spoken};
pub(crate) use spike::{Judgement, Spike};
pub(crate) use tick::Tick;
