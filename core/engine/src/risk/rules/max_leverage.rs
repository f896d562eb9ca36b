//! Gross exposure as a multiple of net assets; nothing passes without net assets.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};
use crate::types::SCALE;

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "gross exposure over net assets",
    warns: true,
    evaluate: |facts| Measure::of(facts.after.gross, facts.after.equity),
    ..RuleSpec::new("max_leverage", 93, Tier::Account, Unit::Multiple, 3 * SCALE)
};
