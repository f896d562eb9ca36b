//! What pattern files share.
//!
//! # Layout
//! - [`Pattern`]: what a file declares; [`spec`] makes its SPEC, [`Entry`] its row in the table of all.
//! - `see`: what a rule sees of a bar; each condition it asks for is told to an [`Eye`], so that an explanation comes
//!   from the rule itself. `watch`: the last candles and the running averages. `candle`: one bar taken apart.
//! - [`CandleSettings`]: what "long", "short" and "near" mean, a value that goes along with each call.
//! - `all`: the pass over all patterns, and explanations. `traits`: at which bars that pass need not run a rule;
//!   `bounds`: the sizes they compare with.

mod all;
mod bounds;
mod candle;
mod pattern;
mod see;
mod settings;
mod traits;
pub(crate) mod trap;
mod watch;

pub use all::{Bars, COUNT, Explanation, explain, pattern, patterns, patterns_into};
pub use pattern::{CANDLE_INPUTS, Entry};
pub(crate) use pattern::{Pattern, penetration, reads, spec};
pub use see::{Condition, Relation};
pub(crate) use see::{Eye, See};
pub use settings::{CandleSettings, Gauge, RangeType, Setting};
pub(crate) use traits::{Need, Trait};
pub(crate) use watch::Reads;

/// What every pattern file needs.
pub(crate) mod prelude {
    pub(crate) use super::Setting::*;
    pub(crate) use super::Trait::*;
    pub(crate) use super::{Entry, Eye, Need, Pattern, Reads, See, penetration, reads, spec};
    pub(crate) use crate::ta::{Output, Spec};
}
