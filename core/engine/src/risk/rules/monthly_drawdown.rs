//! Loss within the month; a breach moves the account to REDUCING.

use crate::risk::spec::{Holds, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "loss since the month's highest equity",
    holds: Holds::Below,
    warns: true,
    evaluate: |facts| facts.marks.monthly_drawdown(facts.after.equity),
    ..RuleSpec::new("monthly_drawdown", 95, Tier::Account, Unit::Ratio, 15_000_000)
};
