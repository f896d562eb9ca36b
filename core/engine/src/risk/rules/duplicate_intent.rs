//! The same wish under a new id within the window of the limits.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "same strategy, symbol, side, quantity and price within the window, unless forced",
    evaluate: |facts| Measure::flag(facts.seen[2]),
    ..RuleSpec::new("duplicate_intent", 22, Tier::Order, Unit::State(&["new", "asked for just now"]), 0)
};
