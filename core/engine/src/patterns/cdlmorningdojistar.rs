//! Morning doji star.

use super::kit::prelude::*;

/// CDLMORNINGDOJISTAR.
pub const SPEC: Spec = spec::<MorningDojiStar>(
    "CDLMORNINGDOJISTAR",
    "Morning doji star: a long black candle, a doji that gaps on, a white one that closes well into the first; a bottom.",
    "1 long black; 2 doji, body gaps down; 3 not short, white, closes above close + penetration * body of 1",
    &[penetration(0.3)],
    &[shows::<MorningDojiStar>("100 morning doji star, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<MorningDojiStar>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct MorningDojiStar;

impl Pattern for MorningDojiStar {
    const READS: &'static [Reads] = &[reads(BodyLong, 2, 2), reads(BodyDoji, 1, 1), reads(BodyShort, 0, 0)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, third) = (see.candle(2), see.candle(0));
        let level = first.close + first.body * see.penetration();
        let hit = every!(
            see,
            see.long(2),
            see.black(2),
            see.doji(1),
            see.body_gap_down(1, 2),
            see.not_short(0),
            see.white(0),
            see.above(0, "closes well into the 1st body (penetration)", third.close, level)
        );
        see.bullish(hit)
    }
}
