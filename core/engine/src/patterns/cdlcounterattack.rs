//! Counterattack.

use super::kit::prelude::*;

/// CDLCOUNTERATTACK.
pub const SPEC: Spec = spec::<CounterAttack>(
    "CDLCOUNTERATTACK",
    "Counterattack: two long candles of different colour that close at the same price.",
    "colours differ; both long; closes equal",
    &[],
    &[shows::<CounterAttack>("100 bullish, -100 bearish, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<CounterAttack>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct CounterAttack;

impl Pattern for CounterAttack {
    const READS: &'static [Reads] = &[reads(Equal, 1, 1), reads(BodyLong, 0, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let sign = see.sign(0);
        let hit = every!(
            see,
            see.coloured(!sign, 1),
            see.coloured(sign, 0),
            see.long(1),
            see.long(0),
            see.within(0, "closes where the 1st closed (equal)", second.close, first.close, see.size(1, Equal))
        );
        see.signed(hit, sign)
    }
}
