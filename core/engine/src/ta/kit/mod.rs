//! What indicator files share.
//!
//! # Layout
//! - [`Spec`] and its parts: what a file declares; `Spec::compute`: the one dispatcher that checks, trims and fills.
//! - [`find`], [`REGISTRY`]: by name, with a suggestion for a misspelt one. [`specs_json`]: all of it as JSON.
//! - `State`: an indicator bar by bar; [`Live`]: one that runs. `batch` and `streaming` make a SPEC's kernels from it.
//! - `average_range`, `averages`, `flows`, `hilbert`, `moments`, `momentum`, `pairs`, `parabolic`, `places`, `ranges`, `ring`, `sorted`,
//!   `totals`, `weighted`, `windows`: states that more than one indicator is made of; `elementwise`: those without a memory.
//! - `lanes`, `simd`: a long series as eight stretches side by side, or eight series, in the widest registers there are;
//!   `scratch`: room on the way. `seal`: snapshots as bytes.
//! - [`StreamSet`]: many indicators of many symbols (`abreast`) bar by bar; [`Frame`]: over the rows of a table, group by
//!   group, or eight of one length side by side (`beside`); [`Wanted`]: what both are asked for. [`warm_up`]: when an indicator has forgotten where it began.

pub(crate) mod abreast;
pub(crate) mod average_range;
pub(crate) mod averages;
mod beside;
pub(crate) mod elementwise;
mod error;
pub(crate) mod flows;
mod frame;
pub(crate) mod hilbert;
mod json;
pub(crate) mod lanes;
mod live;
pub(crate) mod moments;
pub(crate) mod momentum;
pub(crate) mod pairs;
pub(crate) mod parabolic;
mod params;
pub(crate) mod places;
pub(crate) mod ranges;
mod registry;
pub(crate) mod ring;
pub(crate) mod scratch;
pub(crate) mod seal;
pub(crate) mod simd;
pub(crate) mod sorted;
mod spec;
mod state;
mod stream_set;
pub(crate) mod totals;
mod wanted;
mod warm_up;
pub(crate) mod weighted;
pub(crate) mod windows;

pub use abreast::{Abreast, BAR, Place, Row};
pub use error::TaError;
pub use frame::{Column, Frame, FrameError, Places, changes};
pub use json::specs_json;
pub use live::Live;
pub use params::{Param, ParamKind, Params, Seed};
pub use registry::{REGISTRY, find, resolve};
pub use simd::{Level, level, limit_level};
pub use spec::{Input, Kernel, Kind, Lookback, Memory, NanPolicy, Output, Policy, Spec, WholeKernel};
pub(crate) use state::{State, batch, streaming};
pub use state::{Stream, Streaming};
pub use stream_set::{StreamSet, StreamSetError};
pub use wanted::{COLUMN_NAMES, Wanted};
pub use warm_up::warm_up;

/// Two numbers whose difference is a smaller share of their sum than this are rounding noise apart.
///
/// TA-Lib 0.8's rule, found by bisection: its MFI, STOCH and WILLR tell 1 from 1 + d from d = 2.0e-14 on, at every scale.
pub(crate) const NOISE: f64 = 1e-14;

/// Whether a distance is rounding noise of numbers as large as `level`. False for NaN and infinities.
pub(crate) fn is_noise(distance: f64, level: f64) -> bool {
    distance < NOISE * level
}

/// Whether two numbers differ by no more than rounding noise. False when either is NaN.
pub(crate) fn nearly_equal(left: f64, right: f64) -> bool {
    left == right || is_noise((left - right).abs(), left.abs() + right.abs())
}

/// `then` where two numbers are [`nearly_equal`], else `other`.
#[inline(always)]
pub(crate) fn if_nearly_equal<N: simd::Number>(left: N, right: N, then: N, other: N) -> N {
    let noise = N::splat(NOISE) * (left.magnitude() + right.magnitude());
    N::if_equal(left, right, then, N::if_above(noise, (left - right).magnitude(), then, other))
}

/// `numerator / denominator`, or 0 where the denominator is 0, as TA-Lib answers. What is missing stays missing: NaN over
/// 0 is NaN.
pub(crate) fn ratio_or_zero(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 && numerator.is_finite() { 0.0 } else { numerator / denominator }
}

/// A count as a float. Exact below 2^53; lengths and periods are far below.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}
