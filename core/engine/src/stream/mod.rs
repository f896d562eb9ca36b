//! Closed bars: time frames, resampling, the cut at `asof`, and the market view.
//!
//! Invariant: nothing in here returns a bar that closes after `asof`, so a view cannot look ahead by construction.

pub mod bricks;
pub mod depth_sync;
pub mod event;
pub mod parse;
mod resample;
mod timeframe;
mod view;

pub use resample::{Bars, BarsError, resample};
pub use timeframe::{Timeframe, UnknownTimeframe};
pub use view::{Series, series};
