//! Unique three river.

use super::kit::prelude::*;

/// CDLUNIQUE3RIVER.
pub const SPEC: Spec = spec::<UniqueThreeRiver>(
    "CDLUNIQUE3RIVER",
    "Unique three river: a long black candle, a black one within it that makes a new low, and a short white one above that low.",
    "1 long black; 2 black, closes above the close of 1, opens at most at its open, low below its low; 3 short white, opens above the low of 2",
    &[],
    &[shows::<UniqueThreeRiver>("100 three river, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<UniqueThreeRiver>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct UniqueThreeRiver;

impl Pattern for UniqueThreeRiver {
    const READS: &'static [Reads] = &[reads(BodyLong, 2, 2), reads(BodyShort, 0, 0)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.long(2),
            see.black(2),
            see.black(1),
            see.above(1, "2nd closes above the 1st close", second.close, first.close),
            see.at_most(1, "2nd opens within the 1st body", second.open, first.open),
            see.below(1, "2nd makes a lower low", second.low, first.low),
            see.short(0),
            see.white(0),
            see.above(0, "3rd opens above the 2nd low", third.open, second.low)
        );
        see.bullish(hit)
    }
}
