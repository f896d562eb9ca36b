//! No price, or one that is too old to trade on.

use crate::risk::spec::{Measure, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "age of the last price",
    needs: "a last price",
    evaluate: |facts| facts.quote.map_or(Measure::MISSING, |quote| Measure::value(facts.now.since(quote.ts_event))),
    ..RuleSpec::new("stale_data", 40, Tier::Instrument, Unit::Nanos, 6 * 86_400 * 1_000_000_000)
};
