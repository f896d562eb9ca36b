//! All positions and working orders together, without sign, over net assets.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "gross exposure over net assets",
    scaled: true,
    warns: true,
    evaluate: |facts| Measure::of(facts.after.gross, facts.after.equity),
    ..RuleSpec::new("max_exposure", 90, Tier::Account, Unit::Ratio, 95_000_000)
};
