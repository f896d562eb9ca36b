//! Disk full, a failed sync, a read-only file: fail closed. Cancels and reductions go on.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "the log cannot be written: an order now could not be recovered",
    evaluate: |facts| Measure::flag(facts.io_trouble),
    ..RuleSpec::new("io_trouble", 12, Tier::Account, Unit::State(&["writable", "cannot write"]), 0)
};
