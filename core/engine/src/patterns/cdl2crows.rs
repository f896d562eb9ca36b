//! Two crows.

use super::kit::prelude::*;

/// CDL2CROWS.
pub const SPEC: Spec = spec::<TwoCrows>(
    "CDL2CROWS",
    "Two crows: a long white candle, a black one above it, a third black one that falls back into the first.",
    "1 long white; 2 black, body gaps up; 3 black, opens within the 2nd body, closes within the 1st",
    &[],
    &[shows::<TwoCrows>("-100 two crows, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<TwoCrows>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct TwoCrows;

impl Pattern for TwoCrows {
    const READS: &'static [Reads] = &[reads(BodyLong, 2, 2)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.white(2),
            see.long(2),
            see.black(1),
            see.body_gap_up(1, 2),
            see.black(0),
            see.below(0, "3rd opens below the 2nd open", third.open, second.open),
            see.above(0, "3rd opens above the 2nd close", third.open, second.close),
            see.above(0, "3rd closes above the 1st open", third.close, first.open),
            see.below(0, "3rd closes below the 1st close", third.close, first.close)
        );
        see.bearish(hit)
    }
}
