//! The market moved away from the price the decision was taken at, or the order's price is a slip of the finger.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit, distance};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "between the order's price and the last price",
    needs: "a last price",
    evaluate: |facts| {
        facts.quote.map_or(Measure::MISSING, |quote| {
            distance(facts.request.order_type.price().unwrap_or(facts.request.reference_price), quote.price)
        })
    },
    ..RuleSpec::new("price_band", 51, Tier::Order, Unit::Ratio, 5_000_000)
};
