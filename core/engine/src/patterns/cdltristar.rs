//! Tristar.

use super::kit::prelude::*;

/// CDLTRISTAR.
pub const SPEC: Spec = spec::<Tristar>(
    "CDLTRISTAR",
    "Tristar: three doji, the second of which gaps away.",
    "1, 2, 3 doji by the average before 1; 2 gaps up and 3 ends lower, or 2 gaps down and 3 begins higher",
    &[],
    &[shows::<Tristar>("-100 top, 100 bottom, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Tristar>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Tristar;

impl Pattern for Tristar {
    const READS: &'static [Reads] = &[reads(BodyDoji, 2, 2)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let up = see.is(second.bottom, Relation::Above, first.top);
        let sign = !see.sign_if(up);
        let size = see.size(2, BodyDoji);
        let hit = every!(
            see,
            see.doji(2),
            see.at_most(1, "doji: hardly any body (body_doji)", second.body, size),
            see.at_most(0, "doji: hardly any body (body_doji)", third.body, size),
            see.body_gap(!sign, 1, 2),
            either!(
                see,
                sign,
                see.above(0, "3rd body begins above the 2nd", third.bottom, second.bottom),
                see.below(0, "3rd body ends below the 2nd", third.top, second.top),
            )
        );
        see.signed(hit, sign)
    }
}
