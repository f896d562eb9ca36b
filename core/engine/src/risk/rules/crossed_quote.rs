//! A book whose bid is not below its ask (or has no bid) is no market. Without a book: passes.

use crate::risk::spec::{Measure, Missing, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "bid is below ask",
    needs: "a bid and an ask",
    missing: Missing::Passes,
    evaluate: |facts| {
        facts.book.map_or(Measure::MISSING, |book| Measure::flag(book.bid >= book.ask || book.bid.raw() <= 0))
    },
    ..RuleSpec::new("crossed_quote", 41, Tier::Instrument, Unit::State(&["in order", "crossed"]), 0)
};
