//! High wave.

use super::kit::prelude::*;

/// CDLHIGHWAVE.
pub const SPEC: Spec = spec::<HighWave>(
    "CDLHIGHWAVE",
    "High wave: a short body between two very long shadows.",
    "short body; upper and lower shadow very long",
    &[],
    &[shows::<HighWave>("100 white, -100 black, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<HighWave>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct HighWave;

impl Pattern for HighWave {
    const READS: &'static [Reads] = &[reads(BodyShort, 0, 0), reads(ShadowVeryLong, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit = every!(
            see,
            see.short(0),
            see.upper_shadow_above(0, ShadowVeryLong),
            see.lower_shadow_above(0, ShadowVeryLong)
        );
        let sign = see.sign(0);
        see.signed(hit, sign)
    }
}
