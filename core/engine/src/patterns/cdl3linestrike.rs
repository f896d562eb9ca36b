//! Three-line strike.

use super::kit::prelude::*;

/// CDL3LINESTRIKE.
pub const SPEC: Spec = spec::<ThreeLineStrike>(
    "CDL3LINESTRIKE",
    "Three-line strike: three candles of one colour that carry on, and a fourth that takes all of it back.",
    "1, 2, 3 of one colour, closes carry on, 2 and 3 open within or near the body before; 4 of the other colour, opens beyond the close of 3, closes behind the open of 1",
    &[],
    &[shows::<ThreeLineStrike>("100 after three white candles, -100 after three black ones, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ThreeLineStrike>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ThreeLineStrike;

impl Pattern for ThreeLineStrike {
    const READS: &'static [Reads] = &[reads(Near, 2, 3)];
    const EXTRA: usize = 3;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third, strike) = (see.candle(3), see.candle(2), see.candle(1), see.candle(0));
        let sign = see.sign(1);
        let hit = every!(
            see,
            see.coloured(!sign, 0),
            see.coloured(sign, 1),
            see.coloured(sign, 2),
            see.coloured(sign, 3),
            see.beyond(sign, 0, "4th opens beyond the 3rd close", strike.open, third.close),
            see.beyond(!sign, 0, "4th closes behind the 1st open", strike.close, first.open),
            see.beyond(sign, 1, "3rd closes beyond the 2nd", third.close, second.close),
            see.beyond(sign, 2, "2nd closes beyond the 1st", second.close, first.close),
            see.at_least(2, "2nd opens at or near the 1st body (near)", second.open, first.bottom - see.size(3, Near),),
            see.at_most(2, "2nd opens at or near the 1st body (near)", second.open, first.top + see.size(3, Near)),
            see.at_least(1, "3rd opens at or near the 2nd body (near)", third.open, second.bottom - see.size(2, Near),),
            see.at_most(1, "3rd opens at or near the 2nd body (near)", third.open, second.top + see.size(2, Near))
        );
        see.signed(hit, sign)
    }
}
