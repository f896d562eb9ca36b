//! Hikkake.

use super::kit::prelude::*;

/// CDLHIKKAKE.
pub const SPEC: Spec = spec::<Hikkake>(
    "CDLHIKKAKE",
    "Hikkake: an inside bar that breaks out the wrong way; confirmed when a close within three bars takes the break back.",
    "2 within the range of 1; 3 with high and low both lower (bullish) or both higher (bearish) than 2; confirmed within three bars by a close beyond the high or low of 2",
    &[],
    &[shows::<Hikkake>("100 bullish, -100 bearish, 200 or -200 on the bar that confirms, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<Hikkake>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct Hikkake;

impl Pattern for Hikkake {
    const READS: &'static [Reads] = &[];
    const EXTRA: usize = 5;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        see.trapped::<Self>()
    }
}

/// An inside bar and, `ago`, the bar that breaks out of it against `sign`.
impl Break for Hikkake {
    #[inline(always)]
    fn sprung<S: Sight>(see: &mut S, ago: usize, sign: S::Sign) -> S::Truth {
        let (first, second, third) = (see.candle(ago + 2), see.candle(ago + 1), see.candle(ago));
        every!(
            see,
            see.below(ago + 1, "2nd high is below the 1st", second.high, first.high),
            see.above(ago + 1, "2nd low is above the 1st", second.low, first.low),
            see.beyond(!sign, ago, "3rd high breaks out the wrong way", third.high, second.high),
            see.beyond(!sign, ago, "3rd low breaks out the wrong way", third.low, second.low),
        )
    }
}
