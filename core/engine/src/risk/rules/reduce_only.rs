//! A reduce-only order never opens and never flips.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "a reduce-only order is for no more than the position, on its other side",
    reducing: true,
    evaluate: |facts| Measure::flag(facts.request.reduce_only && !facts.reduces),
    ..RuleSpec::new("reduce_only", 50, Tier::Order, Unit::State(&["reduces", "would open or flip"]), 0)
};
