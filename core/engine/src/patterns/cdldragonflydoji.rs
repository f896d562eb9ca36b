//! Dragonfly doji.

use super::kit::prelude::*;

/// CDLDRAGONFLYDOJI.
pub const SPEC: Spec = spec::<DragonflyDoji>(
    "CDLDRAGONFLYDOJI",
    "Dragonfly doji: open and close at the high, a lower shadow below.",
    "doji with hardly any upper shadow and a lower one",
    &[],
    &[shows::<DragonflyDoji>("100 dragonfly, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<DragonflyDoji>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct DragonflyDoji;

impl Pattern for DragonflyDoji {
    const READS: &'static [Reads] = &[reads(BodyDoji, 0, 0), reads(ShadowVeryShort, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let hit = every!(
            see,
            see.doji(0),
            see.upper_shadow_below(0, ShadowVeryShort),
            see.lower_shadow_above(0, ShadowVeryShort)
        );
        see.bullish(hit)
    }
}
