//! Doji.

use super::kit::prelude::*;

/// CDLDOJI.
pub const SPEC: Spec = spec::<PlainDoji>(
    "CDLDOJI",
    "Doji: open and close nearly equal; indecision. A dead market (all prices equal) is one too, as in TA-Lib.",
    "hardly any body",
    &[],
    &[Output::pattern("100 doji (no direction), 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<PlainDoji>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct PlainDoji;

impl Pattern for PlainDoji {
    const READS: &'static [Reads] = &[reads(BodyDoji, 0, 0)];
    const EXTRA: usize = 0;
    const NEEDS: &'static [Need] = &[(0, Doji)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        if see.doji(0) { 100 } else { 0 }
    }
}
