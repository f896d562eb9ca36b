//! Shooting star.

use super::kit::prelude::*;

/// CDLSHOOTINGSTAR.
pub const SPEC: Spec = spec::<ShootingStar>(
    "CDLSHOOTINGSTAR",
    "Shooting star: a small body under a long upper shadow, above the body before; bearish if it ends a rise.",
    "short body; long upper shadow; hardly any lower shadow; body gaps up",
    &[],
    &[shows::<ShootingStar>("-100 shooting star, 0 none; the rise before it is for the reader to check")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ShootingStar>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ShootingStar;

impl Pattern for ShootingStar {
    const READS: &'static [Reads] = &[reads(BodyShort, 0, 0), reads(ShadowLong, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit = every!(
            see,
            see.short(0),
            see.upper_shadow_above(0, ShadowLong),
            see.lower_shadow_below(0, ShadowVeryShort),
            see.body_gap_up(0, 1)
        );
        see.bearish(hit)
    }
}
