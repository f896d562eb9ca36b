//! Side-by-side white lines.

use super::kit::prelude::*;

/// CDLGAPSIDESIDEWHITE.
pub const SPEC: Spec = spec::<GapSideSideWhite>(
    "CDLGAPSIDESIDEWHITE",
    "Side-by-side white lines: two like white candles beside each other, both beyond a gap.",
    "2 and 3 white, both bodies gap the same way from 1, near in size and equal in open",
    &[],
    &[Output::pattern("100 gap up, -100 gap down, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<GapSideSideWhite>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct GapSideSideWhite;

impl Pattern for GapSideSideWhite {
    const READS: &'static [Reads] = &[reads(Near, 1, 1), reads(Equal, 1, 1)];
    const EXTRA: usize = 2;
    const NEEDS: &'static [Need] = &[(0, White), (1, White), (1, Gapped)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let sign = if second.bottom > first.top { 100 } else { -100 };
        let hit = see.body_gap(sign, 1, 2)
            && see.body_gap(sign, 0, 2)
            && see.white(1)
            && see.white(0)
            && see.within(0, "body is near the 2nd in size (near)", third.body, second.body, see.size(1, Near))
            && see.within(0, "opens where the 2nd opened (equal)", third.open, second.open, see.size(1, Equal));
        if hit { sign } else { 0 }
    }
}
