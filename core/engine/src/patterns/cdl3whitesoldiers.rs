//! Three advancing white soldiers.

use super::kit::prelude::*;

/// CDL3WHITESOLDIERS.
pub const SPEC: Spec = spec::<ThreeWhiteSoldiers>(
    "CDL3WHITESOLDIERS",
    "Three advancing white soldiers: three white candles that open within the body before and close at their highs.",
    "1, 2, 3 white with hardly any upper shadow, closes rise; 2 and 3 open above the open before and within or near its body, and are not far shorter than the one before; 3 not short",
    &[],
    &[shows::<ThreeWhiteSoldiers>("100 three soldiers, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ThreeWhiteSoldiers>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ThreeWhiteSoldiers;

impl Pattern for ThreeWhiteSoldiers {
    const READS: &'static [Reads] =
        &[reads(ShadowVeryShort, 0, 2), reads(Near, 1, 2), reads(Far, 1, 2), reads(BodyShort, 0, 0)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.white(2),
            see.upper_shadow_below(2, ShadowVeryShort),
            see.white(1),
            see.upper_shadow_below(1, ShadowVeryShort),
            see.white(0),
            see.upper_shadow_below(0, ShadowVeryShort),
            see.above(0, "3rd closes above the 2nd", third.close, second.close),
            see.above(1, "2nd closes above the 1st", second.close, first.close),
            see.above(1, "2nd opens above the 1st open", second.open, first.open),
            see.at_most(
                1,
                "2nd opens within or near the 1st body (near)",
                second.open,
                first.close + see.size(2, Near),
            ),
            see.above(0, "3rd opens above the 2nd open", third.open, second.open),
            see.at_most(
                0,
                "3rd opens within or near the 2nd body (near)",
                third.open,
                second.close + see.size(1, Near),
            ),
            see.above(1, "2nd body not far shorter than the 1st (far)", second.body, first.body - see.size(2, Far)),
            see.above(0, "3rd body not far shorter than the 2nd (far)", third.body, second.body - see.size(1, Far)),
            see.not_short(0)
        );
        see.bullish(hit)
    }
}
