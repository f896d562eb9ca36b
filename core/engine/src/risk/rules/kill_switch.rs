//! Halted by the kill switch or by the maximum drawdown: nothing that opens risk passes.

use crate::risk::AccountState;
use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "trading is halted until a person re-arms it",
    evaluate: |facts| Measure::flag(facts.state == AccountState::Halted),
    ..RuleSpec::new("kill_switch", 10, Tier::Account, Unit::State(&["armed", "halted"]), 0)
};
