//! The latched state of the account; see `risk::state`.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "after a breach only orders that shrink a position pass, until a person re-arms",
    evaluate: |facts| Measure::value(facts.state as i64),
    ..RuleSpec::new("account_state", 11, Tier::Account, Unit::State(&["active", "reducing", "halted"]), 0)
};
