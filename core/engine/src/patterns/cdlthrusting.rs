//! Thrusting.

use super::kit::prelude::*;

/// CDLTHRUSTING.
pub const SPEC: Spec = spec::<Thrusting>(
    "CDLTHRUSTING",
    "Thrusting: after a long black candle, a white one that opens below its low and closes into its body, but not to the middle.",
    "1 long black; 2 white, opens below the low of 1, closes above its close by more than equal and at most at its middle",
    &[],
    &[shows::<Thrusting>("-100 thrusting, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Thrusting>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Thrusting;

impl Pattern for Thrusting {
    const READS: &'static [Reads] = &[reads(Equal, 1, 1), reads(BodyLong, 1, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let middle = first.close + first.body * 0.5;
        let hit = every!(
            see,
            see.black(1),
            see.long(1),
            see.white(0),
            see.below(0, "opens below the 1st low", second.open, first.low),
            see.above(0, "closes into the 1st body (equal)", second.close, first.close + see.size(1, Equal)),
            see.at_most(0, "closes at most at the middle of the 1st body", second.close, middle)
        );
        see.bearish(hit)
    }
}
