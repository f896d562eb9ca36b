//! Cancels a second: too many refuse new orders, never another cancel.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "cancels asked for within one second",
    evaluate: |facts| Measure::value(facts.activity.cancels.within(facts.now, 1_000_000_000) as i64),
    ..RuleSpec::new("cancel_rate", 64, Tier::Account, Unit::Count, 2_000)
};
