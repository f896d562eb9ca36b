//! The same order again (retry, double click): one order, never two.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "a client order id is used once, for ever",
    reducing: true,
    evaluate: |facts| Measure::flag(facts.seen[0]),
    ..RuleSpec::new("duplicate_id", 20, Tier::Order, Unit::State(&["new", "approved before"]), 0)
};
