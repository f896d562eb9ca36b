//! Tasuki gap.

use super::kit::prelude::*;

/// CDLTASUKIGAP.
pub const SPEC: Spec = spec::<TasukiGap>(
    "CDLTASUKIGAP",
    "Tasuki gap: a gap in the direction of a candle, and one of the other colour and like size that does not close it.",
    "2 gaps away from 1 in its own direction; 3 of the other colour, opens within the body of 2, closes beyond its open inside the gap; 2 and 3 near in size",
    &[],
    &[shows::<TasukiGap>("100 upside gap, -100 downside gap, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<TasukiGap>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct TasukiGap;

impl Pattern for TasukiGap {
    const READS: &'static [Reads] = &[reads(Near, 1, 1)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let sign = see.sign(1);
        let hit = every!(
                see,
                see.body_gap(sign, 1, 2),
                see.coloured(sign, 1),
                see.coloured(!sign, 0),
                see.beyond(!sign, 0, "3rd opens short of the 2nd close", third.open, second.close),
                see.beyond(sign, 0, "3rd opens beyond the 2nd open", third.open, second.open),
                see.beyond(!sign, 0, "3rd closes behind the 2nd open", third.close, second.open),
                either!(
                    see,
                    sign,
                    see.above(0, "3rd leaves the gap open", third.close, first.top),
                    see.below(0, "3rd leaves the gap open", third.close, first.bottom),
                ),
                see.below(
                    0,
                    "bodies differ by less than near (near)",
                    (second.body - third.body).abs(),
                    see.size(1, Near),
                )
            );
        see.signed(hit, sign)
    }
}
