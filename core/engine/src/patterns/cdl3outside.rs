//! Three outside up or down.

use super::kit::prelude::*;

/// CDL3OUTSIDE.
pub const SPEC: Spec = spec::<ThreeOutside>(
    "CDL3OUTSIDE",
    "Three outside up or down: an engulfing whose third candle closes further on.",
    "2 of the other colour than 1, its body covers that of 1; 3 closes beyond the close of 2",
    &[],
    &[shows::<ThreeOutside>("100 three outside up, -100 three outside down, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<ThreeOutside>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct ThreeOutside;

impl Pattern for ThreeOutside {
    const READS: &'static [Reads] = &[];
    const EXTRA: usize = 3;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second, third) = (see.candle(2), see.candle(1), see.candle(0));
        let sign = see.sign(1);
        let hit = every!(
            see,
            see.coloured(sign, 1),
            see.coloured(!sign, 2),
            see.beyond(sign, 1, "2nd closes beyond the 1st open", second.close, first.open),
            see.beyond(!sign, 1, "2nd opens behind the 1st close", second.open, first.close),
            see.beyond(sign, 0, "3rd closes beyond the 2nd", third.close, second.close)
        );
        see.signed(hit, sign)
    }
}
