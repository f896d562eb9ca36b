//! Long line.

use super::kit::prelude::*;

/// CDLLONGLINE.
pub const SPEC: Spec = spec::<LongLine>(
    "CDLLONGLINE",
    "Long line: a long body with short shadows.",
    "long body; upper and lower shadow short",
    &[],
    &[Output::pattern("100 white, -100 black, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<LongLine>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct LongLine;

impl Pattern for LongLine {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 0), reads(ShadowShort, 0, 0)];
    const EXTRA: usize = 0;
    const NEEDS: &'static [Need] = &[(0, Long), (0, ShortUpper), (0, ShortLower)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let hit = see.long(0) && see.upper_shadow_below(0, ShadowShort) && see.lower_shadow_below(0, ShadowShort);
        if hit { see.candle(0).sign() } else { 0 }
    }
}
