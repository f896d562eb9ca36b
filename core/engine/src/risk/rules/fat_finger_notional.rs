//! Many times the usual value of an order.

use crate::risk::spec::{Measure, Missing, RuleSpec, Tier, Unit};
use crate::types::SCALE;

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "value over the median of the recent orders of the account",
    needs: "five recent orders",
    missing: Missing::Passes,
    evaluate: |facts| {
        facts
            .activity
            .notionals
            .median()
            .map_or(Measure::MISSING, |median| Measure::share(facts.notional.raw(), median))
    },
    ..RuleSpec::new("fat_finger_notional", 62, Tier::Order, Unit::Multiple, 50 * SCALE)
};
