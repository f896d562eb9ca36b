//! Harami cross.

use super::kit::prelude::*;

/// CDLHARAMICROSS.
pub const SPEC: Spec = spec::<HaramiCross>(
    "CDLHARAMICROSS",
    "Harami cross: a doji within the long body before; the move pauses or turns.",
    "1 long; 2 doji, its body within that of 1",
    &[],
    &[shows::<HaramiCross>(
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

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let sign = !see.sign(1);
        let hit = every!(
            see,
            see.long(1),
            see.doji(0),
            see.at_most(0, "body ends within the 1st", second.top, first.top),
            see.at_least(0, "body begins within the 1st", second.bottom, first.bottom),
        );
        let shared = see.are_equal(second.top, first.top) | see.are_equal(second.bottom, first.bottom);
        see.weaker(hit, sign, shared)
    }
}
