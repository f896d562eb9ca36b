//! Value of one trade over net assets.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "share of net assets in one trade",
    scaled: true,
    evaluate: |facts| Measure::of(facts.notional, facts.after.equity),
    ..RuleSpec::new("max_trade_fraction", 70, Tier::Strategy, Unit::Ratio, 2_000_000)
};
