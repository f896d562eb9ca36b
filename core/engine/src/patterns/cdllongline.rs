//! Long line.

use super::kit::prelude::*;

/// CDLLONGLINE.
pub const SPEC: Spec = spec::<LongLine>(
    "CDLLONGLINE",
    "Long line: a long body with short shadows.",
    "long body; upper and lower shadow short",
    &[],
    &[shows::<LongLine>("100 white, -100 black, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<LongLine>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct LongLine;

impl Pattern for LongLine {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 0), reads(ShadowShort, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit =
            every!(see, see.long(0), see.upper_shadow_below(0, ShadowShort), see.lower_shadow_below(0, ShadowShort));
        let sign = see.sign(0);
        see.signed(hit, sign)
    }
}
