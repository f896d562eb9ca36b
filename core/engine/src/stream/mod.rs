//! Closed bars: time frames, resampling and the cut at `asof`.
//!
//! Invariant: nothing in here returns a bar that closes after `asof`, so a view cannot look ahead by construction.

mod resample;
mod timeframe;

pub use resample::{Bars, BarsError, resample};
pub use timeframe::{Timeframe, UnknownTimeframe};
