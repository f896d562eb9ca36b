//! Identical three crows.

use super::kit::prelude::*;

/// CDLIDENTICAL3CROWS.
pub const SPEC: Spec = spec::<IdenticalThreeCrows>(
    "CDLIDENTICAL3CROWS",
    "Identical three crows: three black candles that close at their lows and open where the one before closed.",
    "1, 2, 3 black with hardly any lower shadow, closes fall; 2 and 3 open at the close before",
    &[],
    &[shows::<IdenticalThreeCrows>("-100 identical crows, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<IdenticalThreeCrows>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct IdenticalThreeCrows;

impl Pattern for IdenticalThreeCrows {
    const READS: &'static [Reads] = &[reads(ShadowVeryShort, 0, 2), reads(Equal, 1, 2)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.black(2),
            see.lower_shadow_below(2, ShadowVeryShort),
            see.black(1),
            see.lower_shadow_below(1, ShadowVeryShort),
            see.black(0),
            see.lower_shadow_below(0, ShadowVeryShort),
            see.below(1, "2nd closes below the 1st", second.close, first.close),
            see.below(0, "3rd closes below the 2nd", third.close, second.close),
            see.within(1, "2nd opens where the 1st closed (equal)", second.open, first.close, see.size(2, Equal)),
            see.within(0, "3rd opens where the 2nd closed (equal)", third.open, second.close, see.size(1, Equal))
        );
        see.bearish(hit)
    }
}
