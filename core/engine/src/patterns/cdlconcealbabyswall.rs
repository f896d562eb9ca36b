//! Concealing baby swallow.

use super::kit::prelude::*;

/// CDLCONCEALBABYSWALL.
pub const SPEC: Spec = spec::<ConcealBabySwallow>(
    "CDLCONCEALBABYSWALL",
    "Concealing baby swallow: two black marubozu, a third that gaps down but trades back up, and a fourth that covers it.",
    "all black; 1 and 2 with hardly any shadows; 3 gaps down, has an upper shadow into the body of 2; 4 covers the range of 3",
    &[],
    &[shows::<ConcealBabySwallow>("100 baby swallow, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ConcealBabySwallow>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ConcealBabySwallow;

impl Pattern for ConcealBabySwallow {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 1, 3)];
    const EXTRA: usize = 3;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (second, third, fourth) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.black(3),
            see.black(2),
            see.black(1),
            see.black(0),
            see.lower_shadow_below(3, ShadowVeryShort),
            see.upper_shadow_below(3, ShadowVeryShort),
            see.lower_shadow_below(2, ShadowVeryShort),
            see.upper_shadow_below(2, ShadowVeryShort),
            see.body_gap_down(1, 2),
            see.upper_shadow_above(1, ShadowVeryShort),
            see.above(1, "3rd trades back into the 2nd body", third.high, second.close),
            see.above(0, "4th high is above the 3rd", fourth.high, third.high),
            see.below(0, "4th low is below the 3rd", fourth.low, third.low)
        );
        see.bullish(hit)
    }
}
