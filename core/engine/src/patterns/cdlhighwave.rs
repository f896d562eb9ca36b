//! High wave.

use super::kit::prelude::*;

/// CDLHIGHWAVE.
pub const SPEC: Spec = spec::<HighWave>(
    "CDLHIGHWAVE",
    "High wave: a short body between two very long shadows.",
    "short body; upper and lower shadow very long",
    &[],
    &[Output::pattern("100 white, -100 black, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<HighWave>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct HighWave;

impl Pattern for HighWave {
    const READS: &'static [Reads] = &[reads(BodyShort, 0, 0), reads(ShadowVeryLong, 0, 0)];
    const EXTRA: usize = 0;
    const NEEDS: &'static [Need] = &[(0, Short), (0, VeryLongUpper), (0, VeryLongLower)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let hit =
            see.short(0) && see.upper_shadow_above(0, ShadowVeryLong) && see.lower_shadow_above(0, ShadowVeryLong);
        if hit { see.candle(0).sign() } else { 0 }
    }
}
