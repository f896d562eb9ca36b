//! Many times the usual quantity of the instrument.

use crate::risk::spec::{Measure, Missing, RuleSpec, Tier, Unit, multiple};
use crate::types::{Quantity, SCALE};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "quantity over the median of the recent orders of the instrument",
    needs: "five recent orders of the instrument",
    missing: Missing::Passes,
    evaluate: |facts| {
        let median = facts.statistics.and_then(|known| known.quantities.median());
        median.map_or(Measure::MISSING, |median| multiple(facts.request.quantity, Quantity::from_raw(median)))
    },
    ..RuleSpec::new("fat_finger_quantity", 61, Tier::Order, Unit::Multiple, 50 * SCALE)
};
