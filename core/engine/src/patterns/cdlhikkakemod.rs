//! Modified hikkake.

use super::kit::prelude::*;

/// CDLHIKKAKEMOD.
pub const SPEC: Spec = spec::<HikkakeMod>(
    "CDLHIKKAKEMOD",
    "Modified hikkake: a hikkake after two ever narrower bars, the first of which closed near its extreme.",
    "2 within the range of 1 and closing near its low (bullish) or high (bearish); 3 within the range of 2; 4 with high and low both lower (bullish) or both higher (bearish); confirmed within three bars by a close beyond the high or low of 3",
    &[],
    &[shows::<HikkakeMod>("100 bullish, -100 bearish, 200 or -200 on the bar that confirms, 0 none")],
);

/// Its row in the table of all patterns.
pub(crate) const ENTRY: Entry = Entry::new::<HikkakeMod>(&SPEC);

#[derive(Clone, Debug)]
pub(crate) struct HikkakeMod;

impl Pattern for HikkakeMod {
    const READS: &'static [Reads] = &[reads(Near, 2, 2)];
    const EXTRA: usize = 5;
    const LEAST: usize = 1;
    const EARLY: usize = 3;

    #[inline(always)]
    fn rule<S: Sight>(see: &mut S) -> S::Value {
        see.trapped::<Self>()
    }
}

/// Two ever narrower bars and, `ago`, the bar that breaks out of the second against `sign`.
impl Break for HikkakeMod {
    #[inline(always)]
    fn sprung<S: Sight>(see: &mut S, ago: usize, sign: S::Sign) -> S::Truth {
        let [fourth, third, second, first] =
            [see.candle(ago), see.candle(ago + 1), see.candle(ago + 2), see.candle(ago + 3)];
        let near = see.size_then(ago, 2, Near);
        every!(
            see,
            see.below(ago + 2, "2nd high is below the 1st", second.high, first.high),
            see.above(ago + 2, "2nd low is above the 1st", second.low, first.low),
            see.below(ago + 1, "3rd high is below the 2nd", third.high, second.high),
            see.above(ago + 1, "3rd low is above the 2nd", third.low, second.low),
            see.beyond(!sign, ago, "4th high breaks out the wrong way", fourth.high, third.high),
            see.beyond(!sign, ago, "4th low breaks out the wrong way", fourth.low, third.low),
            either!(
                see,
                sign,
                see.at_most(ago + 2, "2nd closes near its low (near)", second.close, second.low + near),
                see.at_least(ago + 2, "2nd closes near its high (near)", second.close, second.high - near),
            ),
        )
    }
}
