//! Candlestick patterns: one file each, found by `build.rs`, with the same [`Spec`](crate::ta::Spec) as indicators.
//!
//! Values are -100 (bearish), 0 (none), 100 (bullish); +-80 marks an engulfing whose bodies share an end. Where a value
//! is compared with "average" candles, those before the bar in question are meant, as in TA-Lib's default settings.
//! A bar with a NaN is no pattern, and none that looks back on it.

pub mod chart;
pub mod kit;

include!(concat!(env!("OUT_DIR"), "/patterns_modules.rs"));
