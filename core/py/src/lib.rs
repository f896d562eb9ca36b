//! `deepalpha._core`: conversions between Python and the core, and one error map. No logic lives here.
//!
//! # Layout
//! - [`error`]: each core error to one class of `deepalpha.errors`.
//! - [`ta`]: indicators over numpy arrays, whose outputs come from [`pool`]. [`ta_stream`], [`ta_stream_set`]: bar by
//!   bar. [`ta_frame`]: over tables.
//! - [`bars`]: time frames and closed bars.
//! - [`candles`]: candlestick patterns with settings of one's own, and why they fired. [`chart`]: chart patterns and bars.
//! - [`arrow`]: the C data interface, by hand; [`arrow_batch`]: columns and the class `Batch`.
//! - [`trading`]: risk gate and practice venue. [`ops`]: the operational log.

use pyo3::prelude::*;

mod arrow;
mod arrow_batch;
mod bars;
mod candles;
mod chart;
mod error;
mod feed;
mod feed_connection;
mod feed_options;
mod feed_process;
mod feed_wake;
mod hub;
mod hub_options;
mod hub_relay;
mod hub_stats;
mod ops;
mod pool;
mod stream;
mod stream_book;
mod stream_columns;
mod stream_counters;
mod stream_options;
mod stream_pipeline;
mod ta;
mod ta_frame;
mod ta_stream;
mod ta_stream_set;
mod trading;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    ta::limit_level()?;
    arrow_batch::register(module)?;
    ta::register(module)?;
    ta_stream::register(module)?;
    ta_stream_set::register(module)?;
    ta_frame::register(module)?;
    bars::register(module)?;
    candles::register(module)?;
    chart::register(module)?;
    trading::register(module)?;
    stream::register(module)?;
    feed::register(module)?;
    hub::register(module)?;
    hub_options::register(module)?;
    ops::register(module)
}
