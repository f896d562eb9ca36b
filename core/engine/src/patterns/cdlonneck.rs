//! On-neck.

use super::kit::prelude::*;

/// CDLONNECK.
pub const SPEC: Spec = spec::<OnNeck>(
    "CDLONNECK",
    "On-neck: after a long black candle, a white one that opens below its low and closes at it.",
    "1 long black; 2 white, opens below the low of 1, closes at that low",
    &[],
    &[shows::<OnNeck>("-100 on-neck, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<OnNeck>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct OnNeck;

impl Pattern for OnNeck {
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
            see.within(0, "closes at the 1st low (equal)", second.close, first.low, see.size(1, Equal))
        );
        see.bearish(hit)
    }
}
