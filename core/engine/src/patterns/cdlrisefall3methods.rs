//! Rising or falling three methods.

use super::kit::prelude::*;

/// CDLRISEFALL3METHODS.
pub const SPEC: Spec = spec::<RiseFallThreeMethods>(
    "CDLRISEFALL3METHODS",
    "Rising or falling three methods: a long candle, three short ones against it that hold within its range, and a fifth that carries on.",
    "1 long; 2, 3, 4 short, of the other colour, bodies reach into the range of 1, closes go against 1; 5 long, of the colour of 1, opens beyond the close of 4, closes beyond the close of 1",
    &[],
    &[shows::<RiseFallThreeMethods>("100 rising, -100 falling, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<RiseFallThreeMethods>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct RiseFallThreeMethods;

impl Pattern for RiseFallThreeMethods {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 4), reads(BodyShort, 1, 3)];
    const EXTRA: usize = 4;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let [fifth, fourth, third, second, first] =
            [see.candle(0), see.candle(1), see.candle(2), see.candle(3), see.candle(4)];
        let sign = see.sign(4);
        let hit = every!(
            see,
            see.long(4),
            see.short(3),
            see.short(2),
            see.short(1),
            see.long(0),
            see.coloured(!sign, 3),
            see.coloured(!sign, 2),
            see.coloured(!sign, 1),
            see.coloured(sign, 0),
            see.below(3, "2nd body reaches into the 1st range", second.bottom, first.high),
            see.above(3, "2nd body reaches into the 1st range", second.top, first.low),
            see.below(2, "3rd body reaches into the 1st range", third.bottom, first.high),
            see.above(2, "3rd body reaches into the 1st range", third.top, first.low),
            see.below(1, "4th body reaches into the 1st range", fourth.bottom, first.high),
            see.above(1, "4th body reaches into the 1st range", fourth.top, first.low),
            see.beyond(!sign, 2, "3rd closes further back than the 2nd", third.close, second.close),
            see.beyond(!sign, 1, "4th closes further back than the 3rd", fourth.close, third.close),
            see.beyond(sign, 0, "5th opens beyond the 4th close", fifth.open, fourth.close),
            see.beyond(sign, 0, "5th closes beyond the 1st close", fifth.close, first.close)
        );
        see.signed(hit, sign)
    }
}
