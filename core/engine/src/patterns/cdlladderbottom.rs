//! Ladder bottom.

use super::kit::prelude::*;

/// CDLLADDERBOTTOM.
pub const SPEC: Spec = spec::<LadderBottom>(
    "CDLLADDERBOTTOM",
    "Ladder bottom: three black candles that step down, a fourth with an upper shadow, and a white one that closes above its high.",
    "1, 2, 3 black with falling opens and closes; 4 black with an upper shadow; 5 white, opens above the open of 4, closes above its high",
    &[],
    &[shows::<LadderBottom>("100 ladder bottom, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<LadderBottom>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct LadderBottom;

impl Pattern for LadderBottom {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 1, 1)];
    const EXTRA: usize = 4;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let [fifth, fourth, third, second, first] =
            [see.candle(0), see.candle(1), see.candle(2), see.candle(3), see.candle(4)];
        let hit = every!(
            see,
            see.black(4),
            see.black(3),
            see.black(2),
            see.below(3, "2nd opens below the 1st open", second.open, first.open),
            see.below(2, "3rd opens below the 2nd open", third.open, second.open),
            see.below(3, "2nd closes below the 1st", second.close, first.close),
            see.below(2, "3rd closes below the 2nd", third.close, second.close),
            see.black(1),
            see.upper_shadow_above(1, ShadowVeryShort),
            see.white(0),
            see.above(0, "opens above the 4th open", fifth.open, fourth.open),
            see.above(0, "closes above the 4th high", fifth.close, fourth.high)
        );
        see.bullish(hit)
    }
}
