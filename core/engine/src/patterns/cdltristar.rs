//! Tristar.

use super::kit::prelude::*;

/// CDLTRISTAR.
pub const SPEC: Spec = spec::<Tristar>(
    "CDLTRISTAR",
    "Tristar: three doji, the second of which gaps away.",
    "1, 2, 3 doji by the average before 1; 2 gaps up and 3 ends lower, or 2 gaps down and 3 begins higher",
    &[],
    &[Output::pattern("-100 top, 100 bottom, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Tristar>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Tristar;

impl Pattern for Tristar {
    const READS: &'static [Reads] = &[reads(BodyDoji, 2, 2)];
    const EXTRA: usize = 2;
    const NEEDS: &'static [Need] = &[(1, Gapped), (2, Doji)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let sign = if second.bottom > first.top { -100 } else { 100 };
        let size = see.size(2, BodyDoji);
        let hit = see.doji(2)
            && see.at_most(1, "doji: hardly any body (body_doji)", second.body, size)
            && see.at_most(0, "doji: hardly any body (body_doji)", third.body, size)
            && see.body_gap(-sign, 1, 2)
            && if sign < 0 {
                see.below(0, "3rd body ends below the 2nd", third.top, second.top)
            } else {
                see.above(0, "3rd body begins above the 2nd", third.bottom, second.bottom)
            };
        if hit { sign } else { 0 }
    }
}
