//! Spinning top.

use super::kit::prelude::*;

/// CDLSPINNINGTOP.
pub const SPEC: Spec = spec::<SpinningTop>(
    "CDLSPINNINGTOP",
    "Spinning top: a short body between shadows longer than it.",
    "short body; both shadows longer than the body",
    &[],
    &[shows::<SpinningTop>("100 white, -100 black, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<SpinningTop>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct SpinningTop;

impl Pattern for SpinningTop {
    const READS: &'static [Reads] = &[reads(BodyShort, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let top = see.candle(0);
        let hit = every!(
            see,
            see.short(0),
            see.above(0, "upper shadow longer than the body", top.upper, top.body),
            see.above(0, "lower shadow longer than the body", top.lower, top.body)
        );
        let sign = see.sign(0);
        see.signed(hit, sign)
    }
}
