//! A strategy that lost so many times in a row takes a break until a person looks.

use crate::risk::spec::{Holds, Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "losses of the strategy since its last trade without one",
    holds: Holds::Below,
    warns: true,
    evaluate: |facts| Measure::value(facts.strategy.map_or(0, |known| i64::from(known.consecutive_losses))),
    ..RuleSpec::new("consecutive_losses", 73, Tier::Strategy, Unit::Count, 5)
};
