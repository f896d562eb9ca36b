//! Kicking.

use super::kit::prelude::*;

/// CDLKICKING.
pub const SPEC: Spec = spec::<Kicking>(
    "CDLKICKING",
    "Kicking: two marubozu of different colour with a gap between them; the second gives the direction.",
    "colours differ; both long with hardly any shadows; 2 gaps away in its own direction",
    &[],
    &[Output::pattern("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Kicking>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Kicking;

impl Pattern for Kicking {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 0, 1), reads(BodyLong, 0, 1)];
    const EXTRA: usize = 1;
    const NEEDS: &'static [Need] =
        &[(0, Turned), (0, Long), (0, NoUpper), (0, NoLower), (1, Long), (1, NoUpper), (1, NoLower)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let sign = see.candle(0).sign();
        let hit = see.coloured(-sign, 1)
            && see.coloured(sign, 0)
            && see.long(1)
            && see.upper_shadow_below(1, ShadowVeryShort)
            && see.lower_shadow_below(1, ShadowVeryShort)
            && see.long(0)
            && see.upper_shadow_below(0, ShadowVeryShort)
            && see.lower_shadow_below(0, ShadowVeryShort)
            && see.candle_gap(sign, 0);
        if hit { sign } else { 0 }
    }
}
