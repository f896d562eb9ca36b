//! Kicking.

use super::kit::prelude::*;

/// CDLKICKINGBYLENGTH.
pub const SPEC: Spec = spec::<KickingByLength>(
    "CDLKICKINGBYLENGTH",
    "Kicking: two marubozu of different colour with a gap between them; the longer one gives the direction.",
    "colours differ; both long with hardly any shadows; 2 gaps away in its own direction",
    &[],
    &[shows::<KickingByLength>("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<KickingByLength>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct KickingByLength;

impl Pattern for KickingByLength {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 0, 1), reads(BodyLong, 0, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let sign = see.sign(0);
        let hit = every!(
            see,
            see.coloured(!sign, 1),
            see.coloured(sign, 0),
            see.long(1),
            see.upper_shadow_below(1, ShadowVeryShort),
            see.lower_shadow_below(1, ShadowVeryShort),
            see.long(0),
            see.upper_shadow_below(0, ShadowVeryShort),
            see.lower_shadow_below(0, ShadowVeryShort),
            see.candle_gap(sign, 0)
        );
        let longer = see.is(second.body, Relation::Above, first.body);
        // The longer of the two candles gives the direction.
        let (later, earlier) = (see.signed(hit, sign), see.signed(hit, !sign));
        see.choose(longer, later, earlier)
    }
}
