//! Sharpe ratio a trade (n - 1, not annualised) of the last 64 closed trades; measured from 20 on.

use crate::risk::spec::{Holds, Measure, Missing, OFF, RuleSpec, Tier, Unit};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "mean over deviation of the strategy's last closed trades, a trade",
    holds: Holds::AtLeast,
    needs: "20 closed trades",
    missing: Missing::Passes,
    evaluate: |facts| {
        facts.strategy.and_then(|known| known.sharpe).map_or(Measure::MISSING, |ratio| Measure::value(ratio.raw()))
    },
    ..RuleSpec::new("sharpe_floor", 74, Tier::Strategy, Unit::Multiple, OFF)
};
