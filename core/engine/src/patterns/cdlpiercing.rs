//! Piercing line.

use super::kit::prelude::*;

/// CDLPIERCING.
pub const SPEC: Spec = spec::<Piercing>(
    "CDLPIERCING",
    "Piercing line: after a long black candle, a long white one that opens below its low and closes above its middle.",
    "1 long black; 2 long white, opens below the low of 1, closes within its body above the middle",
    &[],
    &[shows::<Piercing>("100 piercing line, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Piercing>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Piercing;

impl Pattern for Piercing {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 1)];
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
            see.long(0),
            see.below(0, "opens below the 1st low", second.open, first.low),
            see.below(0, "closes below the 1st open", second.close, first.open),
            see.above(0, "closes above the middle of the 1st body", second.close, middle)
        );
        see.bullish(hit)
    }
}
