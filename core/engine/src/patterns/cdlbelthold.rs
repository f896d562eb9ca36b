//! Belt hold.

use super::kit::prelude::*;

/// CDLBELTHOLD.
pub const SPEC: Spec = spec::<BeltHold>(
    "CDLBELTHOLD",
    "Belt hold: a long candle that opens at its extreme and goes one way.",
    "long body; white with hardly any lower shadow, or black with hardly any upper shadow",
    &[],
    &[Output::pattern("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<BeltHold>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct BeltHold;

impl Pattern for BeltHold {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 0;
    const NEEDS: &'static [Need] = &[(0, Long), (0, BareOpen)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let sign = see.candle(0).sign();
        let hit = see.long(0)
            && if sign > 0 {
                see.lower_shadow_below(0, ShadowVeryShort)
            } else {
                see.upper_shadow_below(0, ShadowVeryShort)
            };
        if hit { sign } else { 0 }
    }
}
