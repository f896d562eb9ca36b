//! Abandoned baby.

use super::kit::prelude::*;

/// CDLABANDONEDBABY.
pub const SPEC: Spec = spec::<AbandonedBaby>(
    "CDLABANDONEDBABY",
    "Abandoned baby: a doji cut off by gaps on both sides between a long candle and its reversal.",
    "1 long; 2 doji, the whole candle gaps away from 1; 3 of the other colour than 1, not short, gaps back, closes well into the body of 1",
    &[penetration(0.3)],
    &[shows::<AbandonedBaby>("100 bottom, -100 top, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<AbandonedBaby>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct AbandonedBaby;

impl Pattern for AbandonedBaby {
    const READS: &'static [Reads] = &[reads(BodyLong, 2, 2), reads(BodyDoji, 1, 1), reads(BodyShort, 0, 0)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, third) = (see.candle(2), see.candle(0));
        let sign = see.sign(0);
        let depth = first.body * see.penetration();
        let what = "3rd closes well into the 1st body (penetration)";
        let hit = every!(
            see,
            see.long(2),
            see.doji(1),
            see.not_short(0),
            see.coloured(!sign, 2),
            see.coloured(sign, 0),
            either!(
                see,
                sign,
                see.above(0, what, third.close, first.close + depth),
                see.below(0, what, third.close, first.close - depth),
            ),
            see.candle_gap(!sign, 1),
            see.candle_gap(sign, 0),
        );
        see.signed(hit, sign)
    }
}
