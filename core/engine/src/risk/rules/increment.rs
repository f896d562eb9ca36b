//! What is wrong whatever the market does; `OrderRequest::validate` has the words.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "steps, signs and options of the order itself",
    reducing: true,
    evaluate: |facts| Measure::flag(facts.malformed),
    ..RuleSpec::new("increment", 30, Tier::Order, Unit::State(&["valid", "not valid"]), 0)
};
