//! Share of an average day's volume.

use crate::risk::spec::{Measure, Missing, RuleSpec, Tier, Unit, multiple};

/// The rule.
pub const RULE: RuleSpec = RuleSpec {
    meaning: "quantity over the average daily volume",
    needs: "an average daily volume",
    missing: Missing::Passes,
    scaled: true,
    evaluate: |facts| {
        let volume = facts.statistics.and_then(|known| known.daily_volume);
        volume.map_or(Measure::MISSING, |volume| multiple(facts.request.quantity, volume))
    },
    ..RuleSpec::new("volume_share", 82, Tier::Instrument, Unit::Ratio, 10_000_000)
};
