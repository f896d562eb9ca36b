//! Marubozu.

use super::kit::prelude::*;

/// CDLMARUBOZU.
pub const SPEC: Spec = spec::<Marubozu>(
    "CDLMARUBOZU",
    "Marubozu: a long body without shadows.",
    "long body; hardly any upper or lower shadow",
    &[],
    &[Output::pattern("100 white, -100 black, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Marubozu>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Marubozu;

impl Pattern for Marubozu {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 0;
    const NEEDS: &'static [Need] = &[(0, Long), (0, NoUpper), (0, NoLower)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let hit =
            see.long(0) && see.upper_shadow_below(0, ShadowVeryShort) && see.lower_shadow_below(0, ShadowVeryShort);
        if hit { see.candle(0).sign() } else { 0 }
    }
}
