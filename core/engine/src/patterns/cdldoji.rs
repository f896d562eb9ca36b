//! Doji.

use super::kit::prelude::*;

/// CDLDOJI.
pub const SPEC: Spec = spec::<PlainDoji>(
    "CDLDOJI",
    "Doji: open and close nearly equal; indecision. A dead market (all prices equal) is one too, as in TA-Lib.",
    "hardly any body",
    &[],
    &[shows::<PlainDoji>("100 doji (no direction), 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<PlainDoji>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct PlainDoji;

impl Pattern for PlainDoji {
    const READS: &'static [Reads] = &[reads(BodyDoji, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit = see.doji(0);
        see.bullish(hit)
    }
}
