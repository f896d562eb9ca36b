//! Evening star.

use super::kit::prelude::*;

/// CDLEVENINGSTAR.
pub const SPEC: Spec = spec::<EveningStar>(
    "CDLEVENINGSTAR",
    "Evening star: a long white candle, a short one that gaps on, a black one that closes well into the first; a top.",
    "1 long white; 2 short, body gaps up; 3 not short, black, closes below close - penetration * body of 1",
    &[penetration(0.3)],
    &[shows::<EveningStar>("-100 evening star, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<EveningStar>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct EveningStar;

impl Pattern for EveningStar {
    const READS: &'static [Reads] = &[reads(BodyLong, 2, 2), reads(BodyShort, 0, 1)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, third) = (see.candle(2), see.candle(0));
        let level = first.close - first.body * see.penetration();
        let hit = every!(
            see,
            see.long(2),
            see.white(2),
            see.not_above_short(1),
            see.body_gap_up(1, 2),
            see.not_short(0),
            see.black(0),
            see.below(0, "closes well into the 1st body (penetration)", third.close, level)
        );
        see.bearish(hit)
    }
}
