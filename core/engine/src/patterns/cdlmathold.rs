//! Mat hold.

use super::kit::prelude::*;

/// CDLMATHOLD.
pub const SPEC: Spec = spec::<MatHold>(
    "CDLMATHOLD",
    "Mat hold: a long white candle, three short ones that fall but hold within it, and a white one to new highs.",
    "1 long white; 2 short black, gaps up; 3 and 4 short, reach into the body of 1 by less than penetration, tops fall from 2 on; 5 white, opens above the close of 4, closes above the highs of 2, 3, 4",
    &[penetration(0.5)],
    &[shows::<MatHold>("100 mat hold, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<MatHold>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct MatHold;

impl Pattern for MatHold {
    const READS: &'static [Reads] = &[reads(BodyLong, 4, 4), reads(BodyShort, 1, 3)];
    const EXTRA: usize = 4;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let [fifth, fourth, third, second, first] =
            [see.candle(0), see.candle(1), see.candle(2), see.candle(3), see.candle(4)];
        let floor = first.close - first.body * see.penetration();
        let hit = every!(
            see,
            see.long(4),
            see.short(3),
            see.short(2),
            see.short(1),
            see.white(4),
            see.black(3),
            see.white(0),
            see.body_gap_up(3, 4),
            see.below(2, "3rd reaches into the 1st body", third.bottom, first.close),
            see.below(1, "4th reaches into the 1st body", fourth.bottom, first.close),
            see.above(2, "3rd does not reach deep into it (penetration)", third.bottom, floor),
            see.above(1, "4th does not reach deep into it (penetration)", fourth.bottom, floor),
            see.below(2, "3rd body ends below the 2nd open", third.top, second.open),
            see.below(1, "4th body ends below the 3rd", fourth.top, third.top),
            see.above(0, "5th opens above the 4th close", fifth.open, fourth.close),
            see.above(
                0,
                "5th closes above the highs between",
                fifth.close,
                second.high.max(third.high).max(fourth.high),
            )
        );
        see.bullish(hit)
    }
}
