//! Three inside up or down.

use super::kit::prelude::*;

/// CDL3INSIDE.
pub const SPEC: Spec = spec::<ThreeInside>(
    "CDL3INSIDE",
    "Three inside up or down: a harami whose third candle closes beyond the first one's open.",
    "1 long; 2 short, within the body of 1; 3 of the other colour than 1, closes beyond the open of 1",
    &[],
    &[shows::<ThreeInside>("100 three inside up, -100 three inside down, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ThreeInside>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ThreeInside;

impl Pattern for ThreeInside {
    const READS: &'static [Reads] = &[reads(BodyLong, 2, 2), reads(BodyShort, 1, 1)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let sign = !see.sign(2);
        let hit = every!(
            see,
            see.long(2),
            see.not_above_short(1),
            see.below(1, "2nd body ends below the top of the 1st", second.top, first.top),
            see.above(1, "2nd body begins above the bottom of the 1st", second.bottom, first.bottom),
            see.coloured(sign, 0),
            see.beyond(sign, 0, "3rd closes beyond the 1st open", third.close, first.open)
        );
        see.signed(hit, sign)
    }
}
