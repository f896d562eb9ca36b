//! A decision becomes one order.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "one decision makes one order; slices of a parent share theirs",
    reducing: true,
    evaluate: |facts| Measure::flag(facts.seen[1]),
    ..RuleSpec::new("decision_once", 21, Tier::Order, Unit::State(&["new", "has its order"]), 0)
};
