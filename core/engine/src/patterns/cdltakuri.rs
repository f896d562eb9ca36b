//! Takuri line.

use super::kit::prelude::*;

/// CDLTAKURI.
pub const SPEC: Spec = spec::<Takuri>(
    "CDLTAKURI",
    "Takuri line: a dragonfly doji with a very long lower shadow.",
    "doji with hardly any upper shadow and a very long lower one",
    &[],
    &[shows::<Takuri>("100 takuri line, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Takuri>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Takuri;

impl Pattern for Takuri {
    const READS: &'static [Reads] = &[reads(BodyDoji, 0, 0), reads(ShadowVeryShort, 0, 0), reads(ShadowVeryLong, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit = every!(
            see,
            see.doji(0),
            see.upper_shadow_below(0, ShadowVeryShort),
            see.lower_shadow_above(0, ShadowVeryLong)
        );
        see.bullish(hit)
    }
}
