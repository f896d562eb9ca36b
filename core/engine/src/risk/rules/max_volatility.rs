//! Deviation of daily returns times the root of the trading days of a year (252; 365 where trading never stops).

use crate::risk::spec::{Measure, Missing, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "annualised volatility of daily returns",
    needs: "a volatility",
    missing: Missing::Passes,
    warns: true,
    evaluate: |facts| {
        let volatility = facts.statistics.and_then(|known| known.volatility);
        volatility.map_or(Measure::MISSING, |volatility| Measure::value(volatility.raw()))
    },
    ..RuleSpec::new("max_volatility", 83, Tier::Instrument, Unit::Ratio, 50_000_000)
};
