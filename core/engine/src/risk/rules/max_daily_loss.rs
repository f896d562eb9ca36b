//! Loss since the day began; a breach moves the account to REDUCING.

use crate::risk::spec::{Holds, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "loss since the day began",
    holds: Holds::Below,
    warns: true,
    evaluate: |facts| facts.marks.daily_loss(facts.after.equity),
    ..RuleSpec::new("max_daily_loss", 94, Tier::Account, Unit::Ratio, 5_000_000)
};
