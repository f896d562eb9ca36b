//! Rickshaw man.

use super::kit::prelude::*;

/// CDLRICKSHAWMAN.
pub const SPEC: Spec = spec::<RickshawMan>(
    "CDLRICKSHAWMAN",
    "Rickshaw man: a doji in the middle between two long shadows.",
    "doji; both shadows long; body at or near the middle of the range",
    &[],
    &[shows::<RickshawMan>("100 rickshaw man (no direction), 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<RickshawMan>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct RickshawMan;

impl Pattern for RickshawMan {
    const READS: &'static [Reads] = &[reads(BodyDoji, 0, 0), reads(ShadowLong, 0, 0), reads(Near, 0, 0)];
    const EXTRA: usize = 0;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let man = see.candle(0);
        let middle = man.low + (man.high - man.low) * 0.5;
        let hit = every!(
            see,
            see.doji(0),
            see.lower_shadow_above(0, ShadowLong),
            see.upper_shadow_above(0, ShadowLong),
            see.at_most(0, "body is near the middle (near)", man.bottom, middle + see.size(0, Near)),
            see.at_least(0, "body is near the middle (near)", man.top, middle - see.size(0, Near))
        );
        see.bullish(hit)
    }
}
