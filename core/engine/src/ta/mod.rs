//! Technical indicators: one file each, found by `build.rs`.
//!
//! To add one, add `src/ta/<name>.rs` (a candlestick pattern: `src/patterns/<name>.rs`) with a `pub const SPEC: Spec`.
//! Nothing else: the registry, the Python function, its documentation and the contract tests pick it up.
//!
//! # Layout
//! - [`kit`]: what the files share: [`Spec`], [`Params`], [`TaError`], the [`REGISTRY`], window helpers.
//! - every other module here is one indicator.
//!
//! # Rules all indicators follow (TA-Lib 0.8.2's, but for gaps)
//! - The result has the input's length. Bars before the first with no NaN in any input are skipped; the `lookback` bars
//!   after it are NaN (0 for patterns); a kernel sees and writes only what follows.
//! - Kernels see finite numbers only. What a NaN or an infinity does is decided in one place, [`Spec::compute`], by the
//!   caller's [`NanPolicy`] and the indicator's [`Memory`]. Where TA-Lib goes on with a made-up number (RSI 0, a stale
//!   maximum), this crate shows NaN.
//! - A value at bar `i` depends on bars `0..=i` only, and [`Live`] shows the same bits bar by bar.

pub mod kit;

pub use kit::{
    BAR, COLUMN_NAMES, Column, Frame, FrameError, Places, Row, StreamSet, StreamSetError, Wanted, changes, warm_up,
};
pub use kit::{
    Input, Kind, Level, Live, Memory, NanPolicy, Output, Param, ParamKind, Params, Policy, REGISTRY, Seed, Spec,
    TaError, find, level, limit_level, resolve, specs_json,
};

include!(concat!(env!("OUT_DIR"), "/ta_modules.rs"));
