//! Concealing baby swallow.

use super::kit::prelude::*;

/// CDLCONCEALBABYSWALL.
pub const SPEC: Spec = spec::<ConcealBabySwallow>(
    "CDLCONCEALBABYSWALL",
    "Concealing baby swallow: two black marubozu, a third that gaps down but trades back up, and a fourth that covers it.",
    "all black; 1 and 2 with hardly any shadows; 3 gaps down, has an upper shadow into the body of 2; 4 covers the range of 3",
    &[],
    &[Output::pattern("100 baby swallow, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ConcealBabySwallow>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ConcealBabySwallow;

impl Pattern for ConcealBabySwallow {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 1, 3)];
    const EXTRA: usize = 3;
    const NEEDS: &'static [Need] =
        &[(0, Black), (1, Black), (2, Black), (3, Black), (1, GapDown), (2, NoLower), (2, NoUpper), (1, HasUpper)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let (second, third, fourth) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = see.black(3)
            && see.black(2)
            && see.black(1)
            && see.black(0)
            && see.lower_shadow_below(3, ShadowVeryShort)
            && see.upper_shadow_below(3, ShadowVeryShort)
            && see.lower_shadow_below(2, ShadowVeryShort)
            && see.upper_shadow_below(2, ShadowVeryShort)
            && see.body_gap(-1, 1, 2)
            && see.upper_shadow_above(1, ShadowVeryShort)
            && see.above(1, "3rd trades back into the 2nd body", third.high, second.close)
            && see.above(0, "4th high is above the 3rd", fourth.high, third.high)
            && see.below(0, "4th low is below the 3rd", fourth.low, third.low);
        if hit { 100 } else { 0 }
    }
}
