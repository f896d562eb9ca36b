//! Stick sandwich.

use super::kit::prelude::*;

/// CDLSTICKSANDWICH.
pub const SPEC: Spec = spec::<StickSandwich>(
    "CDLSTICKSANDWICH",
    "Stick sandwich: a white candle between two black ones that close at the same price.",
    "1 black; 2 white, its low above the close of 1; 3 black, closes at the close of 1",
    &[],
    &[shows::<StickSandwich>("100 stick sandwich, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<StickSandwich>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct StickSandwich;

impl Pattern for StickSandwich {
    const READS: &'static [Reads] = &[reads(Equal, 2, 2)];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let hit = every!(
            see,
            see.black(2),
            see.white(1),
            see.black(0),
            see.above(1, "2nd low is above the 1st close", second.low, first.close),
            see.within(0, "3rd closes where the 1st closed (equal)", third.close, first.close, see.size(2, Equal))
        );
        see.bullish(hit)
    }
}
