//! Hanging man.

use super::kit::prelude::*;

/// CDLHANGINGMAN.
pub const SPEC: Spec = spec::<HangingMan>(
    "CDLHANGINGMAN",
    "Hanging man: a small body high up over a long lower shadow, near the high before; bearish if it ends a rise.",
    "short body; long lower shadow; hardly any upper shadow; body's bottom at most near below the high before",
    &[],
    &[shows::<HangingMan>("-100 hanging man, 0 none; the rise before it is for the reader to check")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<HangingMan>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct HangingMan;

impl Pattern for HangingMan {
    const READS: &'static [Reads] =
        &[reads(BodyShort, 0, 0), reads(ShadowLong, 0, 0), reads(ShadowVeryShort, 0, 0), reads(Near, 1, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (before, man) = (see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.short(0),
            see.lower_shadow_above(0, ShadowLong),
            see.upper_shadow_below(0, ShadowVeryShort),
            see.at_least(0, "body is near the high before (near)", man.bottom, before.high - see.size(1, Near))
        );
        see.bearish(hit)
    }
}
