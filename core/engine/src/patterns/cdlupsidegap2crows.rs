//! Upside gap two crows.

use super::kit::prelude::*;

/// CDLUPSIDEGAP2CROWS.
pub const SPEC: Spec = spec::<UpsideGapTwoCrows>(
    "CDLUPSIDEGAP2CROWS",
    "Upside gap two crows: two black candles above a long white one, the second around the first, the gap still open.",
    "1 long white; 2 short black, gaps up; 3 black, its body around that of 2, closes above the close of 1",
    &[],
    &[shows::<UpsideGapTwoCrows>("-100 two crows, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<UpsideGapTwoCrows>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct UpsideGapTwoCrows;

impl Pattern for UpsideGapTwoCrows {
    const READS: &'static [Reads] = &[reads(BodyLong, 2, 2), reads(BodyShort, 1, 1)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.white(2),
            see.long(2),
            see.black(1),
            see.not_above_short(1),
            see.body_gap_up(1, 2),
            see.black(0),
            see.above(0, "3rd opens above the 2nd open", third.open, second.open),
            see.below(0, "3rd closes below the 2nd close", third.close, second.close),
            see.above(0, "3rd closes above the 1st close", third.close, first.close)
        );
        see.bearish(hit)
    }
}
