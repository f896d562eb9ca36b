//! `deepalpha._core`: conversions between Python and the core, and one error map. No logic lives here.
//!
//! # Layout
//! - [`error`]: each core error to one class of `deepalpha.errors`.
//! - [`ta`]: indicators over numpy arrays. [`bars`]: time frames and closed bars.
//! - [`candles`]: candlestick patterns with settings of one's own, and why they fired.
//! - [`trading`]: risk gate and practice venue. [`ops`]: the operational log.

use pyo3::prelude::*;

mod bars;
mod candles;
mod error;
mod ops;
mod ta;
mod trading;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    ta::register(module)?;
    bars::register(module)?;
    candles::register(module)?;
    trading::register(module)?;
    ops::register(module)
}
