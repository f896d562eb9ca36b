//! A strategy's position in one instrument, its working orders included, over net assets.

use crate::risk::spec::{Measure, Missing, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "share of net assets in one position of the strategy",
    needs: "positions by strategy",
    missing: Missing::Passes,
    scaled: true,
    evaluate: |facts| {
        if facts.after.detailed {
            Measure::of(facts.after.strategy_position, facts.after.equity)
        } else {
            Measure::MISSING
        }
    },
    ..RuleSpec::new("max_strategy_position", 71, Tier::Strategy, Unit::Ratio, 2_000_000)
};
