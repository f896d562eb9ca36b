//! A sale of more than is held, while short selling is off.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};
use crate::types::Side;

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "no more than is held is sold (short selling is off)",
    evaluate: |facts| {
        let short = facts.request.side == Side::Sell && facts.after.position.raw() < 0;
        Measure::flag(short && !facts.allow_short)
    },
    ..RuleSpec::new("short_selling", 52, Tier::Instrument, Unit::State(&["held", "short"]), 0)
};
