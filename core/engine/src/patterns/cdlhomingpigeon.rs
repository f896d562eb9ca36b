//! Homing pigeon.

use super::kit::prelude::*;

/// CDLHOMINGPIGEON.
pub const SPEC: Spec = spec::<HomingPigeon>(
    "CDLHOMINGPIGEON",
    "Homing pigeon: a short black body within a long black one; a fall that slows down.",
    "1 long black; 2 short black, its body within that of 1",
    &[],
    &[Output::pattern("100 homing pigeon, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<HomingPigeon>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct HomingPigeon;

impl Pattern for HomingPigeon {
    const READS: &'static [Reads] = &[reads(BodyLong, 1, 1), reads(BodyShort, 0, 0)];
    const EXTRA: usize = 1;
    const NEEDS: &'static [Need] = &[(0, Black), (1, Black), (1, Long), (0, Short), (0, Inside)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let (first, second) = (see.candle(1), see.candle(0));
        let hit = see.black(1)
            && see.black(0)
            && see.long(1)
            && see.not_above_short(0)
            && see.below(0, "opens below the 1st open", second.open, first.open)
            && see.above(0, "closes above the 1st close", second.close, first.close);
        if hit { 100 } else { 0 }
    }
}
