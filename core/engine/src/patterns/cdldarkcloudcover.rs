//! Dark cloud cover.

use super::kit::prelude::*;

/// CDLDARKCLOUDCOVER.
pub const SPEC: Spec = spec::<DarkCloudCover>(
    "CDLDARKCLOUDCOVER",
    "Dark cloud cover: after a long white candle, a black one that opens above its high and closes well into its body.",
    "1 long white; 2 black, opens above the high of 1, closes above its open but below close - penetration * body",
    &[penetration(0.5)],
    &[shows::<DarkCloudCover>("-100 dark cloud, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<DarkCloudCover>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct DarkCloudCover;

impl Pattern for DarkCloudCover {
    const READS: &'static [Reads] = &[reads(BodyLong, 1, 1)];
    const EXTRA: usize = 1;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        let (first, second) = (see.candle(1), see.candle(0));
        let level = first.close - first.body * see.penetration();
        let hit = every!(
            see,
            see.white(1),
            see.long(1),
            see.black(0),
            see.above(0, "opens above the 1st high", second.open, first.high),
            see.above(0, "closes above the 1st open", second.close, first.open),
            see.below(0, "closes well into the 1st body (penetration)", second.close, level)
        );
        see.bearish(hit)
    }
}
