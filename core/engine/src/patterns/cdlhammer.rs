//! Hammer.

use super::kit::prelude::*;

/// CDLHAMMER.
pub const SPEC: Spec = spec::<Hammer>(
    "CDLHAMMER",
    "Hammer: a small body high up over a long lower shadow, near the low before; bullish if it ends a fall.",
    "short body; long lower shadow; hardly any upper shadow; body's bottom at most near above the low before",
    &[],
    &[shows::<Hammer>("100 hammer, 0 none; the fall before it is for the reader to check")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Hammer>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Hammer;

impl Pattern for Hammer {
    const READS: &'static [Reads] =
        &[reads(BodyShort, 0, 0), reads(ShadowLong, 0, 0), reads(ShadowVeryShort, 0, 0), reads(Near, 1, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (before, hammer) = (see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.short(0),
            see.lower_shadow_above(0, ShadowLong),
            see.upper_shadow_below(0, ShadowVeryShort),
            see.at_most(0, "body is near the low before (near)", hammer.bottom, before.low + see.size(1, Near))
        );
        see.bullish(hit)
    }
}
