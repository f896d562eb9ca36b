//! Orders a second. Cancels and reductions are never held back.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "orders approved within one second, this one included",
    evaluate: |facts| Measure::value(facts.activity.orders.within(facts.now, 1_000_000_000) as i64 + 1),
    ..RuleSpec::new("order_rate", 63, Tier::Account, Unit::Count, 1_000)
};
