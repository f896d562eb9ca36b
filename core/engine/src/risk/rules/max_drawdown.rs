//! Loss since the highest equity; a breach moves the account to HALTED.

use crate::risk::spec::{Holds, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "loss since the highest equity",
    holds: Holds::Below,
    warns: true,
    evaluate: |facts| facts.marks.drawdown(facts.after.equity),
    ..RuleSpec::new("max_drawdown", 96, Tier::Account, Unit::Ratio, 10_000_000)
};
