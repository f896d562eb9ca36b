//! Three stars in the south.

use super::kit::prelude::*;

/// CDL3STARSINSOUTH.
pub const SPEC: Spec = spec::<ThreeStarsInSouth>(
    "CDL3STARSINSOUTH",
    "Three stars in the south: three ever smaller black candles, a fall that runs dry.",
    "all black; 1 long with a long lower shadow; 2 smaller, opens within the range of 1, trades below its close but not its low, has a lower shadow; 3 short without shadows, within the range of 2",
    &[],
    &[shows::<ThreeStarsInSouth>("100 three stars, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ThreeStarsInSouth>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ThreeStarsInSouth;

impl Pattern for ThreeStarsInSouth {
    const READS: &'static [Reads] =
        &[reads(BodyLong, 2, 2), reads(ShadowLong, 2, 2), reads(ShadowVeryShort, 0, 1), reads(BodyShort, 0, 0)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.black(2),
            see.black(1),
            see.black(0),
            see.long(2),
            see.lower_shadow_above(2, ShadowLong),
            see.below(1, "2nd body is smaller than the 1st", second.body, first.body),
            see.above(1, "2nd opens above the 1st close", second.open, first.close),
            see.at_most(1, "2nd opens within the 1st range", second.open, first.high),
            see.below(1, "2nd trades below the 1st close", second.low, first.close),
            see.at_least(1, "2nd holds the 1st low", second.low, first.low),
            see.lower_shadow_above(1, ShadowVeryShort),
            see.short(0),
            see.lower_shadow_below(0, ShadowVeryShort),
            see.upper_shadow_below(0, ShadowVeryShort),
            see.above(0, "3rd low is above the 2nd", third.low, second.low),
            see.below(0, "3rd high is below the 2nd", third.high, second.high)
        );
        see.bullish(hit)
    }
}
