//! All positions and working orders together, longs against shorts, over net assets.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "net exposure over net assets",
    scaled: true,
    warns: true,
    evaluate: |facts| Measure::of(facts.after.net, facts.after.equity),
    ..RuleSpec::new("max_net_exposure", 91, Tier::Account, Unit::Ratio, 95_000_000)
};
