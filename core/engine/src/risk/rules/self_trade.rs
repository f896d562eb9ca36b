//! An order without a limit may reach any own order on the other side, so it counts as hitting it.

use crate::risk::spec::{Measure, Missing, RuleSpec, Tier, Unit};
use crate::types::Side;

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "an own resting order on the other side that this one would hit",
    needs: "own resting orders",
    missing: Missing::Passes,
    evaluate: |facts| {
        if !facts.after.detailed {
            return Measure::MISSING;
        }
        let request = facts.request;
        let reach = request.order_type.limit();
        let hits = match request.side {
            Side::Buy => facts.after.own_ask.is_some_and(|own| reach.is_none_or(|limit| limit >= own)),
            Side::Sell => facts.after.own_bid.is_some_and(|own| reach.is_none_or(|limit| limit <= own)),
        };
        Measure::flag(hits)
    },
    ..RuleSpec::new("self_trade", 54, Tier::Order, Unit::State(&["no", "would trade with itself"]), 0)
};
