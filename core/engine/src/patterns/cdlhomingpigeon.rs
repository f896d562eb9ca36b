//! Homing pigeon.

use super::kit::prelude::*;

/// CDLHOMINGPIGEON.
pub const SPEC: Spec = spec::<HomingPigeon>(
    "CDLHOMINGPIGEON",
    "Homing pigeon: a short black body within a long black one; a fall that slows down.",
    "1 long black; 2 short black, its body within that of 1",
    &[],
    &[shows::<HomingPigeon>("100 homing pigeon, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<HomingPigeon>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct HomingPigeon;

impl Pattern for HomingPigeon {
    const READS: &'static [Reads] = &[reads(BodyLong, 1, 1), reads(BodyShort, 0, 0)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.black(1),
            see.black(0),
            see.long(1),
            see.not_above_short(0),
            see.below(0, "opens below the 1st open", second.open, first.open),
            see.above(0, "closes above the 1st close", second.close, first.close)
        );
        see.bullish(hit)
    }
}
