//! Short line.

use super::kit::prelude::*;

/// CDLSHORTLINE.
pub const SPEC: Spec = spec::<ShortLine>(
    "CDLSHORTLINE",
    "Short line: a short body with short shadows.",
    "short body; upper and lower shadow short",
    &[],
    &[shows::<ShortLine>("100 white, -100 black, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ShortLine>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ShortLine;

impl Pattern for ShortLine {
    const READS: &'static [Reads] = &[reads(BodyShort, 0, 0), reads(ShadowShort, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit =
            every!(see, see.short(0), see.upper_shadow_below(0, ShadowShort), see.lower_shadow_below(0, ShadowShort));
        let sign = see.sign(0);
        see.signed(hit, sign)
    }
}
