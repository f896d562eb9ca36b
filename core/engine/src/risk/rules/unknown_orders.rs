//! An unknown order may be a position: adding on top of it is refused.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "orders of the instrument whose state nobody knows; adding waits for the venue or an operator",
    evaluate: |facts| Measure::value(i64::from(facts.after.unknown)),
    ..RuleSpec::new("unknown_orders", 53, Tier::Instrument, Unit::Count, 0)
};
