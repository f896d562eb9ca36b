//! Side-by-side white lines.

use super::kit::prelude::*;

/// CDLGAPSIDESIDEWHITE.
pub const SPEC: Spec = spec::<GapSideSideWhite>(
    "CDLGAPSIDESIDEWHITE",
    "Side-by-side white lines: two like white candles beside each other, both beyond a gap.",
    "2 and 3 white, both bodies gap the same way from 1, near in size and equal in open",
    &[],
    &[shows::<GapSideSideWhite>("100 gap up, -100 gap down, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<GapSideSideWhite>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct GapSideSideWhite;

impl Pattern for GapSideSideWhite {
    const READS: &'static [Reads] = &[reads(Near, 1, 1), reads(Equal, 1, 1)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let up = see.is(second.bottom, Relation::Above, first.top);
        let sign = see.sign_if(up);
        let hit = every!(
            see,
            see.body_gap(sign, 1, 2),
            see.body_gap(sign, 0, 2),
            see.white(1),
            see.white(0),
            see.within(0, "body is near the 2nd in size (near)", third.body, second.body, see.size(1, Near)),
            see.within(0, "opens where the 2nd opened (equal)", third.open, second.open, see.size(1, Equal))
        );
        see.signed(hit, sign)
    }
}
