//! Engulfing.

use super::kit::prelude::*;

/// CDLENGULFING.
pub const SPEC: Spec = spec::<Engulfing>(
    "CDLENGULFING",
    "Engulfing: a body of the other colour covers the whole body before; a reversal if it ends a trend.",
    "colours differ; the second body reaches from one end of the first to beyond the other",
    &[],
    &[shows::<Engulfing>("100 bullish, -100 bearish, 80 or -80 when the bodies share an end, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Engulfing>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Engulfing;

impl Pattern for Engulfing {
    const READS: &'static [Reads] = &[];
    const EXTRA: usize = 2;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let sign = see.sign(0);
        let shared = [see.are_equal(second.open, first.close), see.are_equal(second.close, first.open)];
        let hit = every!(
            see,
            see.coloured(sign, 0),
            see.coloured(!sign, 1),
            see.at_least(0, "body reaches the top of the 1st body", second.top, first.top),
            see.at_most(0, "body reaches the bottom of the 1st body", second.bottom, first.bottom),
            see.not_both(0, "ends the bodies share", shared),
        );
        let [one, other] = shared;
        see.weaker(hit, sign, one | other)
    }
}
