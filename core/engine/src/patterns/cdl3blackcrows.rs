//! Three black crows.

use super::kit::prelude::*;

/// CDL3BLACKCROWS.
pub const SPEC: Spec = spec::<ThreeBlackCrows>(
    "CDL3BLACKCROWS",
    "Three black crows: after a white candle, three black ones that open within the body before and close at their lows.",
    "1 white; 2, 3, 4 black with hardly any lower shadow, 3 and 4 open within the body before; 2 closes below the high of 1; closes fall",
    &[],
    &[shows::<ThreeBlackCrows>("-100 three crows, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ThreeBlackCrows>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ThreeBlackCrows;

impl Pattern for ThreeBlackCrows {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 0, 2)];
    const EXTRA: usize = 3;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (white, first, second, third) = (see.candle(3), see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.white(3),
            see.black(2),
            see.lower_shadow_below(2, ShadowVeryShort),
            see.black(1),
            see.lower_shadow_below(1, ShadowVeryShort),
            see.black(0),
            see.lower_shadow_below(0, ShadowVeryShort),
            see.below(1, "2nd crow opens below the 1st's open", second.open, first.open),
            see.above(1, "2nd crow opens above the 1st's close", second.open, first.close),
            see.below(0, "3rd crow opens below the 2nd's open", third.open, second.open),
            see.above(0, "3rd crow opens above the 2nd's close", third.open, second.close),
            see.below(2, "1st crow closes below the white candle's high", first.close, white.high),
            see.below(1, "2nd crow closes below the 1st", second.close, first.close),
            see.below(0, "3rd crow closes below the 2nd", third.close, second.close)
        );
        see.bearish(hit)
    }
}
