//! An order that opens carries a protective stop, not far away. Off: set no bound.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit, distance};
use crate::types::Price;

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "distance of the protective stop from the order's price",
    needs: "a protective stop on the side of loss",
    evaluate: |facts| {
        let request = facts.request;
        let entry = request.order_type.price().unwrap_or(request.reference_price);
        let behind = |stop: &Price| if request.side.is_buy() { *stop < entry } else { *stop > entry };
        request.stop_loss.filter(behind).map_or(Measure::MISSING, |stop| distance(stop, entry))
    },
    ..RuleSpec::new("max_stop_distance", 81, Tier::Instrument, Unit::Ratio, 2_000_000)
};
