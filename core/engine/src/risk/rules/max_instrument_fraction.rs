//! Worst-case exposure in one instrument over net assets.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "share of net assets in one instrument",
    scaled: true,
    warns: true,
    evaluate: |facts| Measure::of(facts.after.instrument, facts.after.equity),
    ..RuleSpec::new("max_instrument_fraction", 80, Tier::Instrument, Unit::Ratio, 5_000_000)
};
