//! Breakaway.

use super::kit::prelude::*;

/// CDLBREAKAWAY.
pub const SPEC: Spec = spec::<Breakaway>(
    "CDLBREAKAWAY",
    "Breakaway: a gap in the direction of a long candle, two more that carry on, and a fifth that closes inside the gap.",
    "1 long; 2 and 4 of its colour, 2 gaps on, 3 and 4 have highs and lows further on; 5 of the other colour, closes inside the gap of 1 and 2",
    &[],
    &[shows::<Breakaway>("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Breakaway>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Breakaway;

impl Pattern for Breakaway {
    const READS: &'static [Reads] = &[reads(BodyLong, 4, 4)];
    const EXTRA: usize = 4;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let [fifth, fourth, third, second, first] =
            [see.candle(0), see.candle(1), see.candle(2), see.candle(3), see.candle(4)];
        let sign = see.sign(0);
        let hit = every!(
            see,
            see.long(4),
            see.coloured(sign, 0),
            see.coloured(!sign, 4),
            see.coloured(!sign, 3),
            see.coloured(!sign, 1),
            see.body_gap(!sign, 3, 4),
            see.beyond(!sign, 2, "3rd high goes on from the 2nd", third.high, second.high),
            see.beyond(!sign, 2, "3rd low goes on from the 2nd", third.low, second.low),
            see.beyond(!sign, 1, "4th high goes on from the 3rd", fourth.high, third.high),
            see.beyond(!sign, 1, "4th low goes on from the 3rd", fourth.low, third.low),
            see.beyond(sign, 0, "5th closes beyond the 2nd open", fifth.close, second.open),
            see.beyond(!sign, 0, "5th closes short of the 1st close", fifth.close, first.close)
        );
        see.signed(hit, sign)
    }
}
