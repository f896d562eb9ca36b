//! Harami cross.

use super::kit::prelude::*;

/// CDLHARAMICROSS.
pub const SPEC: Spec = spec::<HaramiCross>(
    "CDLHARAMICROSS",
    "Harami cross: a doji within the long body before; the move pauses or turns.",
    "1 long; 2 doji, its body within that of 1",
    &[],
    &[Output::pattern(
        "100 after a black candle, -100 after a white one, 80 or -80 when the bodies share an end, 0 none",
    )],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<HaramiCross>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct HaramiCross;

impl Pattern for HaramiCross {
    const READS: &'static [Reads] = &[reads(BodyLong, 1, 1), reads(BodyDoji, 0, 0)];
    const EXTRA: usize = 1;
    const NEEDS: &'static [Need] = &[(1, Long), (0, Doji), (0, Inside)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let (first, second) = (see.candle(1), see.candle(0));
        let sign = -first.sign();
        let hit = see.long(1)
            && see.doji(0)
            && see.at_most(0, "body ends within the 1st", second.top, first.top)
            && see.at_least(0, "body begins within the 1st", second.bottom, first.bottom);
        match hit {
            false => 0,
            true if second.top < first.top && second.bottom > first.bottom => sign,
            true => sign / 5 * 4,
        }
    }
}
