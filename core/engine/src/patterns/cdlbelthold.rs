//! Belt hold.

use super::kit::prelude::*;

/// CDLBELTHOLD.
pub const SPEC: Spec = spec::<BeltHold>(
    "CDLBELTHOLD",
    "Belt hold: a long candle that opens at its extreme and goes one way.",
    "long body; white with hardly any lower shadow, or black with hardly any upper shadow",
    &[],
    &[shows::<BeltHold>("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<BeltHold>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct BeltHold;

impl Pattern for BeltHold {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let sign = see.sign(0);
        let hit = every!(
            see,
            see.long(0),
            either!(see, sign, see.lower_shadow_below(0, ShadowVeryShort), see.upper_shadow_below(0, ShadowVeryShort))
        );
        see.signed(hit, sign)
    }
}
