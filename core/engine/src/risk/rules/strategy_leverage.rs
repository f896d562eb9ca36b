//! A strategy's gross exposure, its working orders included, over net assets.

use crate::risk::spec::{Measure, Missing, RuleSpec, Tier, Unit};
use crate::types::SCALE;

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "the strategy's gross exposure over net assets",
    needs: "positions by strategy",
    missing: Missing::Passes,
    scaled: true,
    warns: true,
    evaluate: |facts| {
        if facts.after.detailed {
            Measure::of(facts.after.strategy_gross, facts.after.equity)
        } else {
            Measure::MISSING
        }
    },
    ..RuleSpec::new("strategy_leverage", 72, Tier::Strategy, Unit::Multiple, 2 * SCALE)
};
