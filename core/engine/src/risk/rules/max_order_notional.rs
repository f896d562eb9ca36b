//! Value of one order, whatever the account holds.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};
use crate::types::SCALE;

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "value of one order",
    scaled: true,
    evaluate: |facts| Measure::value(facts.notional.raw()),
    ..RuleSpec::new("max_order_notional", 60, Tier::Order, Unit::Money, 1_000_000 * SCALE)
};
