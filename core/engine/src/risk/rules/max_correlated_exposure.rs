//! The instrument with everything that moves with it (see `Clusters`), over net assets.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "correlated exposure over net assets",
    scaled: true,
    warns: true,
    evaluate: |facts| Measure::of(facts.after.correlated, facts.after.equity),
    ..RuleSpec::new("max_correlated_exposure", 92, Tier::Account, Unit::Ratio, 95_000_000)
};
