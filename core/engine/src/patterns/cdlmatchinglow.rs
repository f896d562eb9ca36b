//! Matching low.

use super::kit::prelude::*;

/// CDLMATCHINGLOW.
pub const SPEC: Spec = spec::<MatchingLow>(
    "CDLMATCHINGLOW",
    "Matching low: two black candles that close at the same price.",
    "both black; closes equal",
    &[],
    &[shows::<MatchingLow>("100 matching low, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<MatchingLow>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct MatchingLow;

impl Pattern for MatchingLow {
    const READS: &'static [Reads] = &[reads(Equal, 1, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.black(1),
            see.black(0),
            see.within(0, "closes where the 1st closed (equal)", second.close, first.close, see.size(1, Equal))
        );
        see.bullish(hit)
    }
}
