//! Closing marubozu.

use super::kit::prelude::*;

/// CDLCLOSINGMARUBOZU.
pub const SPEC: Spec = spec::<ClosingMarubozu>(
    "CDLCLOSINGMARUBOZU",
    "Closing marubozu: a long candle that closes at its extreme.",
    "long body; white with hardly any upper shadow, or black with hardly any lower shadow",
    &[],
    &[shows::<ClosingMarubozu>("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ClosingMarubozu>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ClosingMarubozu;

impl Pattern for ClosingMarubozu {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let sign = see.sign(0);
        let hit = every!(
            see,
            see.long(0),
            either!(see, sign, see.upper_shadow_below(0, ShadowVeryShort), see.lower_shadow_below(0, ShadowVeryShort))
        );
        see.signed(hit, sign)
    }
}
