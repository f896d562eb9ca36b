//! Separating lines.

use super::kit::prelude::*;

/// CDLSEPARATINGLINES.
pub const SPEC: Spec = spec::<SeparatingLines>(
    "CDLSEPARATINGLINES",
    "Separating lines: a belt hold that opens where a candle of the other colour opened.",
    "colours differ; opens equal; 2 long, with hardly any shadow on the side it opens",
    &[],
    &[Output::pattern("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<SeparatingLines>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct SeparatingLines;

impl Pattern for SeparatingLines {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 0, 0), reads(BodyLong, 0, 0), reads(Equal, 1, 1)];
    const EXTRA: usize = 1;
    const NEEDS: &'static [Need] = &[(0, Turned), (0, Long), (0, BareOpen)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let (first, second) = (see.candle(1), see.candle(0));
        let sign = second.sign();
        let hit = see.coloured(-sign, 1)
            && see.coloured(sign, 0)
            && see.within(0, "opens where the 1st opened (equal)", second.open, first.open, see.size(1, Equal))
            && see.long(0)
            && if sign > 0 {
                see.lower_shadow_below(0, ShadowVeryShort)
            } else {
                see.upper_shadow_below(0, ShadowVeryShort)
            };
        if hit { sign } else { 0 }
    }
}
