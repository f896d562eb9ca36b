//! What pattern files share.
//!
//! # Layout
//! - [`Pattern`]: what a file declares; [`spec`] makes its SPEC, [`Entry`] its row in the table of all.
//! - [`Sight`]: what a rule can ask; `see`: a rule at one bar, each condition told to an eye, so that an explanation comes
//!   from the rule itself; `word`: a rule at 64 bars as bits. `term`: what a rule measures. `traits`: comparisons many make.
//! - `tile`: a block of bars taken apart, with bounds on TA-Lib's sums; `pass`: rules over a series, block by block.
//! - `watch`: the last candles and TA-Lib's own sums, where bounds do not decide. `candle`: one bar taken apart.
//! - [`CandleSettings`]: what "long", "short" and "near" mean, a value that goes along with each call.
//! - `all`: every pattern at every bar, and explanations.

mod all;
mod candle;
mod pass;
mod pattern;
mod see;
mod settings;
mod sight;
mod term;
mod tile;
mod traits;
mod trap;
mod watch;
mod word;

pub use all::{Bars, COUNT, Explanation, explain, pattern, patterns, patterns_into};
pub use pattern::{CANDLE_INPUTS, Entry};
pub(crate) use pattern::{Pattern, penetration, reads, shows, spec};
pub use see::{Condition, Relation};
pub use settings::{CandleSettings, Gauge, RangeType, Setting};
pub(crate) use sight::{Sight, either, every};
pub(crate) use trap::Break;
pub(crate) use watch::Reads;

/// What every pattern file needs.
pub(crate) mod prelude {
    pub(crate) use super::Setting::*;
    pub(crate) use super::{
        Break, Entry, Pattern, Reads, Relation, Sight, either, every, penetration, reads, shows, spec,
    };
    pub(crate) use crate::ta::Spec;
}
