//! Kicking.

use super::kit::prelude::*;

/// CDLKICKING.
pub const SPEC: Spec = spec::<Kicking>(
    "CDLKICKING",
    "Kicking: two marubozu of different colour with a gap between them; the second gives the direction.",
    "colours differ; both long with hardly any shadows; 2 gaps away in its own direction",
    &[],
    &[shows::<Kicking>("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Kicking>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Kicking;

impl Pattern for Kicking {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 0, 1), reads(BodyLong, 0, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let sign = see.sign(0);
        let hit = every!(
            see,
            see.coloured(!sign, 1),
            see.coloured(sign, 0),
            see.long(1),
            see.upper_shadow_below(1, ShadowVeryShort),
            see.lower_shadow_below(1, ShadowVeryShort),
            see.long(0),
            see.upper_shadow_below(0, ShadowVeryShort),
            see.lower_shadow_below(0, ShadowVeryShort),
            see.candle_gap(sign, 0)
        );
        see.signed(hit, sign)
    }
}
