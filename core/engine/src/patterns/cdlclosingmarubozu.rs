//! Closing marubozu.

use super::kit::prelude::*;

/// CDLCLOSINGMARUBOZU.
pub const SPEC: Spec = spec::<ClosingMarubozu>(
    "CDLCLOSINGMARUBOZU",
    "Closing marubozu: a long candle that closes at its extreme.",
    "long body; white with hardly any upper shadow, or black with hardly any lower shadow",
    &[],
    &[Output::pattern("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ClosingMarubozu>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ClosingMarubozu;

impl Pattern for ClosingMarubozu {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 0;
    const NEEDS: &'static [Need] = &[(0, Long), (0, BareClose)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let sign = see.candle(0).sign();
        let hit = see.long(0)
            && if sign > 0 {
                see.upper_shadow_below(0, ShadowVeryShort)
            } else {
                see.lower_shadow_below(0, ShadowVeryShort)
            };
        if hit { sign } else { 0 }
    }
}
