//! Doji star.

use super::kit::prelude::*;

/// CDLDOJISTAR.
pub const SPEC: Spec = spec::<DojiStar>(
    "CDLDOJISTAR",
    "Doji star: a doji that gaps on from a long candle; a warning of a turn.",
    "1 long; 2 doji, body gaps up from a white or down from a black 1",
    &[],
    &[shows::<DojiStar>("100 after a black candle, -100 after a white one, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<DojiStar>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct DojiStar;

impl Pattern for DojiStar {
    const READS: &'static [Reads] = &[reads(BodyLong, 1, 1), reads(BodyDoji, 0, 0)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let sign = !see.sign(1);
        let hit = every!(see, see.long(1), see.doji(0), see.body_gap(!sign, 0, 1));
        see.signed(hit, sign)
    }
}
