//! `deepalpha._core`: conversions between Python and the core, and one error map. No logic lives here.
//!
//! # Layout
//! - [`error`]: each core error to one class of `deepalpha.errors`.
//! - [`ta`]: indicators over numpy arrays, whose outputs come from [`pool`]. [`bars`]: time frames and closed bars.
//! - [`trading`]: risk gate and practice venue. [`ops`]: the operational log.

use pyo3::prelude::*;

mod bars;
mod chart;
mod error;
mod ops;
mod pool;
mod ta;
mod trading;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    ta::limit_level()?;
    ta::register(module)?;
    bars::register(module)?;
    chart::register(module)?;
    trading::register(module)?;
    ops::register(module)
}
