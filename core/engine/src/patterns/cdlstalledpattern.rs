//! Stalled pattern.

use super::kit::prelude::*;

/// CDLSTALLEDPATTERN.
pub const SPEC: Spec = spec::<StalledPattern>(
    "CDLSTALLEDPATTERN",
    "Stalled pattern: two long white candles and a small one that rides on the shoulder of the second.",
    "1, 2, 3 white, closes rise; 1 and 2 long; 2 with hardly any upper shadow, opens above the open of 1 and within or near its body; 3 short, opens at or near the close of 2",
    &[],
    &[shows::<StalledPattern>("-100 stalled, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<StalledPattern>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct StalledPattern;

impl Pattern for StalledPattern {
    const READS: &'static [Reads] =
        &[reads(BodyLong, 1, 2), reads(BodyShort, 0, 0), reads(ShadowVeryShort, 1, 1), reads(Near, 1, 2)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.white(2),
            see.white(1),
            see.white(0),
            see.above(0, "3rd closes above the 2nd", third.close, second.close),
            see.above(1, "2nd closes above the 1st", second.close, first.close),
            see.long(2),
            see.long(1),
            see.upper_shadow_below(1, ShadowVeryShort),
            see.above(1, "2nd opens above the 1st open", second.open, first.open),
            see.at_most(
                1,
                "2nd opens within or near the 1st body (near)",
                second.open,
                first.close + see.size(2, Near),
            ),
            see.short(0),
            see.at_least(
                0,
                "3rd rides on the 2nd's shoulder (near)",
                third.open,
                second.close - third.body - see.size(1, Near),
            )
        );
        see.bearish(hit)
    }
}
