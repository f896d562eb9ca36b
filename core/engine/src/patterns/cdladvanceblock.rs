//! Advance block.

use super::kit::prelude::*;

/// CDLADVANCEBLOCK.
pub const SPEC: Spec = spec::<AdvanceBlock>(
    "CDLADVANCEBLOCK",
    "Advance block: three white candles that carry on, but with bodies that shrink or shadows that grow.",
    "1, 2, 3 white, closes rise, 2 and 3 open above the open before and within or near its body; 1 long with a short upper shadow; and 2 far shorter than 1 and 3 not longer than 2, or 3 far shorter than 2, or bodies shrink and 2 or 3 has an upper shadow, or 3 is shorter than 2 with a long upper shadow",
    &[],
    &[shows::<AdvanceBlock>("-100 advance block, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<AdvanceBlock>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct AdvanceBlock;

impl Pattern for AdvanceBlock {
    const READS: &'static [Reads] = &[
        reads(ShadowShort, 0, 2),
        reads(ShadowLong, 0, 1),
        reads(Near, 1, 2),
        reads(Far, 1, 2),
        reads(BodyLong, 2, 2),
    ];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.white(2),
            see.white(1),
            see.white(0),
            see.above(0, "3rd closes above the 2nd", third.close, second.close),
            see.above(1, "2nd closes above the 1st", second.close, first.close),
            see.above(1, "2nd opens above the 1st open", second.open, first.open),
            see.at_most(
                1,
                "2nd opens within or near the 1st body (near)",
                second.open,
                first.close + see.size(2, Near),
            ),
            see.above(0, "3rd opens above the 2nd open", third.open, second.open),
            see.at_most(
                0,
                "3rd opens within or near the 2nd body (near)",
                third.open,
                second.close + see.size(1, Near),
            ),
            see.long(2),
            see.upper_shadow_below(2, ShadowShort),
            blocked(see)
        );
        see.bearish(hit)
    }
}

/// Whether the advance is blocked in at least one of four ways.
#[inline(always)]
fn blocked<S: Sight>(see: &mut S) -> S::Truth {
    let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
    let smaller = see.is(third.body, Relation::Below, second.body);
    let ways = [
        // The 2nd fell behind, and the 3rd does not make up for it.
        see.is(second.body, Relation::Below, first.body - see.size(2, Far))
            & see.is(third.body, Relation::Below, second.body + see.size(1, Near)),
        // The 3rd fell behind.
        see.is(third.body, Relation::Below, second.body - see.size(1, Far)),
        // Bodies shrink, shadows show.
        smaller
            & see.is(second.body, Relation::Below, first.body)
            & (see.is(third.upper, Relation::Above, see.size(0, ShadowShort))
                | see.is(second.upper, Relation::Above, see.size(1, ShadowShort))),
        // The 3rd was pushed back.
        smaller & see.is(third.upper, Relation::Above, see.size(0, ShadowLong)),
    ];
    see.any_of(0, "ways the advance is blocked, of four", ways)
}
