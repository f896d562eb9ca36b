//! Market streams and bars: time frames, resampling, the cut at `asof`, the market view; and the stream processor.
//!
//! # Layout
//! - [`parse`]: raw messages to [`event`]s. [`depth_sync`]: book updates to a book without holes. [`processor`]: events to checked trades, bars, indicator values and rare events,
//!   by the rules in [`quality`], into the tables of [`output`]. [`ring`]: a bounded queue between a feed and its consumer.
//! - [`Timeframe`], [`resample()`], [`series`]: closed bars of history; [`bricks`]: bars by price or by trade over columns.
//!
//! Invariant: nothing in here returns a bar that closes after `asof`, so a view cannot look ahead by construction.

pub mod bricks;
mod candles;
pub mod depth_sync;
pub mod event;
pub mod output;
pub mod parse;
pub mod processor;
pub mod quality;
mod resample;
pub mod ring;
/// What [`ring`] builds on; a test puts loom's in its place.
mod sync {
    pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
}
mod timeframe;
mod view;

pub use resample::{Bars, BarsError, resample};
pub use timeframe::{Timeframe, UnknownTimeframe};
pub use view::{Series, series};
