//! REDUCING after a breach, latched; see `risk::state`. (HALTED is the kill switch rule.)

use crate::risk::AccountState;
use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "after a breach only orders that shrink a position pass, until a person re-arms",
    evaluate: |facts| Measure::flag(facts.state == AccountState::Reducing),
    ..RuleSpec::new("account_state", 11, Tier::Account, Unit::State(&["active", "reducing"]), 0)
};
