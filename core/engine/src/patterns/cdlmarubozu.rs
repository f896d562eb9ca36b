//! Marubozu.

use super::kit::prelude::*;

/// CDLMARUBOZU.
pub const SPEC: Spec = spec::<Marubozu>(
    "CDLMARUBOZU",
    "Marubozu: a long body without shadows.",
    "long body; hardly any upper or lower shadow",
    &[],
    &[shows::<Marubozu>("100 white, -100 black, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Marubozu>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Marubozu;

impl Pattern for Marubozu {
    const READS: &'static [Reads] = &[reads(BodyLong, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit = every!(
            see,
            see.long(0),
            see.upper_shadow_below(0, ShadowVeryShort),
            see.lower_shadow_below(0, ShadowVeryShort)
        );
        let sign = see.sign(0);
        see.signed(hit, sign)
    }
}
