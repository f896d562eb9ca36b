//! In-neck.

use super::kit::prelude::*;

/// CDLINNECK.
pub const SPEC: Spec = spec::<InNeck>(
    "CDLINNECK",
    "In-neck: after a long black candle, a white one that opens below its low and closes just into its body.",
    "1 long black; 2 white, opens below the low of 1, closes at its close or a little above",
    &[],
    &[shows::<InNeck>("-100 in-neck, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<InNeck>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct InNeck;

impl Pattern for InNeck {
    const READS: &'static [Reads] = &[reads(Equal, 1, 1), reads(BodyLong, 1, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.black(1),
            see.long(1),
            see.white(0),
            see.below(0, "opens below the 1st low", second.open, first.low),
            see.at_most(0, "closes just into the 1st body (equal)", second.close, first.close + see.size(1, Equal)),
            see.at_least(0, "closes at or above the 1st close", second.close, first.close)
        );
        see.bearish(hit)
    }
}
