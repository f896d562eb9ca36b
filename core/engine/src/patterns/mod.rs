//! Candlestick patterns: one file each, found by `build.rs`, with the same [`Spec`](crate::ta::Spec) as indicators.
//!
//! Values are TA-Lib's: 100 bullish, -100 bearish, 0 none; +-80 where bodies share an end, +-200 for a confirmed
//! hikkake. Sizes such as "long" compare with the candles before, by [`CandleSettings`]. A bar with a NaN is no pattern,
//! and none looks back over it.
//!
//! [`patterns`] gives all of them in one pass, [`pattern`] one with settings of one's own, [`explain`] the conditions
//! that held and failed at a bar. All of them, and the SPECs, run the same rule.

pub mod chart;
mod kit;

pub use kit::{
    Bars, CANDLE_INPUTS, COUNT, CandleSettings, Condition, Entry, Explanation, Gauge, RangeType, Relation, Setting,
    explain, pattern, patterns, patterns_into,
};

include!(concat!(env!("OUT_DIR"), "/patterns_modules.rs"));
include!(concat!(env!("OUT_DIR"), "/patterns_table.rs"));
