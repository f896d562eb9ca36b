//! Inverted hammer.

use super::kit::prelude::*;

/// CDLINVERTEDHAMMER.
pub const SPEC: Spec = spec::<InvertedHammer>(
    "CDLINVERTEDHAMMER",
    "Inverted hammer: a small body under a long upper shadow, below the body before; bullish if it ends a fall.",
    "short body; long upper shadow; hardly any lower shadow; body gaps down",
    &[],
    &[shows::<InvertedHammer>("100 inverted hammer, 0 none; the fall before it is for the reader to check")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<InvertedHammer>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct InvertedHammer;

impl Pattern for InvertedHammer {
    const READS: &'static [Reads] = &[reads(BodyShort, 0, 0), reads(ShadowLong, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit = every!(
            see,
            see.short(0),
            see.upper_shadow_above(0, ShadowLong),
            see.lower_shadow_below(0, ShadowVeryShort),
            see.body_gap_down(0, 1)
        );
        see.bullish(hit)
    }
}
