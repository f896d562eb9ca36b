//! What indicator files share.
//!
//! # Layout
//! - [`Spec`] and its parts: what a file declares; `Spec::compute`: the one dispatcher that checks, trims and fills.
//! - [`find`], [`REGISTRY`]: by name, with a suggestion for a misspelt one. [`specs_json`]: all of it as JSON.
//! - `averages`, `extremes`, `moments`, `ranges`: kernels that more than one indicator needs.

pub(crate) mod averages;
mod error;
pub(crate) mod extremes;
mod json;
pub(crate) mod moments;
mod params;
pub(crate) mod ranges;
mod registry;
mod spec;

pub use error::TaError;
pub use json::specs_json;
pub use params::{Param, ParamKind, Params};
pub use registry::{REGISTRY, find, resolve};
pub use spec::{Input, Kernel, Kind, Lookback, Output, Spec};

/// Below this TA-Lib takes a sum for zero and answers 0 instead of dividing.
const EPSILON: f64 = 1e-14;

/// Whether TA-Lib would take `value` for zero. False for NaN.
pub(crate) fn is_zero(value: f64) -> bool {
    value.abs() < EPSILON
}

/// `numerator / denominator`, or 0 where TA-Lib takes the denominator for zero.
pub(crate) fn ratio_or_zero(numerator: f64, denominator: f64) -> f64 {
    if is_zero(denominator) { 0.0 } else { numerator / denominator }
}

/// A count as a float. Exact below 2^53; lengths and periods are far below.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}
