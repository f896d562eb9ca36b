//! Upside or downside gap three methods.

use super::kit::prelude::*;

/// CDLXSIDEGAP3METHODS.
pub const SPEC: Spec = spec::<XSideGapThreeMethods>(
    "CDLXSIDEGAP3METHODS",
    "Upside or downside gap three methods: two candles of one colour with a gap, and a third that closes it.",
    "1 and 2 of one colour, 2 gaps on; 3 of the other colour, opens within the body of 2, closes within the body of 1",
    &[],
    &[shows::<XSideGapThreeMethods>("100 upside gap, -100 downside gap, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<XSideGapThreeMethods>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct XSideGapThreeMethods;

impl Pattern for XSideGapThreeMethods {
    const READS: &'static [Reads] = &[];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let sign = see.sign(2);
        let hit = every!(
            see,
            see.body_gap(sign, 1, 2),
            see.coloured(sign, 1),
            see.coloured(!sign, 0),
            see.below(0, "3rd opens within the 2nd body", third.open, second.top),
            see.above(0, "3rd opens within the 2nd body", third.open, second.bottom),
            see.below(0, "3rd closes within the 1st body", third.close, first.top),
            see.above(0, "3rd closes within the 1st body", third.close, first.bottom)
        );
        see.signed(hit, sign)
    }
}
