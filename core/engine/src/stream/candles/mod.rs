//! Bars out of trades: time bars of any frames at once, tick, volume and dollar bars, and indicators on each.
//!
//! Invariants: everything is integer arithmetic, so a coarser bar is bit for bit the roll-up of finer ones; each 1e-8 of
//! volume is in exactly one bar of a kind; the content of a time bar does not depend on the order its trades came in.

mod bar;
mod frames;
mod information;
mod revise;
mod studies;

pub(crate) use bar::Bar;
pub(crate) use frames::{FrameTerms, Frames, Surroundings};
pub(crate) use information::Information;
pub(crate) use studies::Studies;
