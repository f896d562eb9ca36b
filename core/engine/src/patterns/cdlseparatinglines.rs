//! Separating lines.

use super::kit::prelude::*;

/// CDLSEPARATINGLINES.
pub const SPEC: Spec = spec::<SeparatingLines>(
    "CDLSEPARATINGLINES",
    "Separating lines: a belt hold that opens where a candle of the other colour opened.",
    "colours differ; opens equal; 2 long, with hardly any shadow on the side it opens",
    &[],
    &[shows::<SeparatingLines>("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<SeparatingLines>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct SeparatingLines;

impl Pattern for SeparatingLines {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 0, 0), reads(BodyLong, 0, 0), reads(Equal, 1, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let sign = see.sign(0);
        let hit = every!(
            see,
            see.coloured(!sign, 1),
            see.coloured(sign, 0),
            see.within(0, "opens where the 1st opened (equal)", second.open, first.open, see.size(1, Equal)),
            see.long(0),
            either!(see, sign, see.lower_shadow_below(0, ShadowVeryShort), see.upper_shadow_below(0, ShadowVeryShort))
        );
        see.signed(hit, sign)
    }
}
