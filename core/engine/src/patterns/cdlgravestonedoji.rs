//! Gravestone doji.

use super::kit::prelude::*;

/// CDLGRAVESTONEDOJI.
pub const SPEC: Spec = spec::<GravestoneDoji>(
    "CDLGRAVESTONEDOJI",
    "Gravestone doji: open and close at the low, an upper shadow above.",
    "doji with hardly any lower shadow and an upper one",
    &[],
    &[shows::<GravestoneDoji>("100 gravestone (TA-Lib's sign; usually read as bearish), 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<GravestoneDoji>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct GravestoneDoji;

impl Pattern for GravestoneDoji {
    const READS: &'static [Reads] = &[reads(BodyDoji, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit = every!(
            see,
            see.doji(0),
            see.lower_shadow_below(0, ShadowVeryShort),
            see.upper_shadow_above(0, ShadowVeryShort)
        );
        see.bullish(hit)
    }
}
