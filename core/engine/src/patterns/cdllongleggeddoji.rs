//! Long-legged doji.

use super::kit::prelude::*;

/// CDLLONGLEGGEDDOJI.
pub const SPEC: Spec = spec::<LongLeggedDoji>(
    "CDLLONGLEGGEDDOJI",
    "Long-legged doji: a doji with a long shadow on one side at least.",
    "doji; one of the shadows long",
    &[],
    &[shows::<LongLeggedDoji>("100 long-legged doji (no direction), 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<LongLeggedDoji>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct LongLeggedDoji;

impl Pattern for LongLeggedDoji {
    const READS: &'static [Reads] = &[reads(BodyDoji, 0, 0), reads(ShadowLong, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let doji = see.candle(0);
        let longer = doji.lower.max(doji.upper);
        let hit = every!(
            see,
            see.doji(0),
            see.above(0, "its longer shadow is long (shadow_long)", longer, see.size(0, ShadowLong))
        );
        see.bullish(hit)
    }
}
