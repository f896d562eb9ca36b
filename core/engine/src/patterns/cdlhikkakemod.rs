//! Modified hikkake.

use super::kit::prelude::*;
use super::kit::trap::Trap;

/// CDLHIKKAKEMOD.
pub const SPEC: Spec = spec::<HikkakeMod>(
    "CDLHIKKAKEMOD",
    "Modified hikkake: a hikkake after two ever narrower bars, the first of which closed near its extreme.",
    "2 within the range of 1 and closing near its low (bullish) or high (bearish); 3 within the range of 2; 4 with high and low both lower (bullish) or both higher (bearish); confirmed within three bars by a close beyond the high or low of 3",
    &[],
    &[Output::pattern("100 bullish, -100 bearish, 200 or -200 on the bar that confirms, 0 none")],
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
    const NEEDS: &'static [Need] = &[(0, TwiceLately)];

    #[inline(always)]
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32 {
        let Some(trap) = Trap::last(see, sprung) else {
            // None is waiting: is this bar one?
            let sign = if see.candle(0).high < see.candle(1).high { 100 } else { -100 };
            return if sprung(see, 0, sign) { sign } else { 0 };
        };
        // Told again for the explanation; it holds, or it would not be waiting.
        let hit = sprung(see, trap.ago, trap.sign) && trap.confirmed(see);
        if hit { 2 * trap.sign } else { 0 }
    }
}

/// Two ever narrower bars and, `ago`, the bar that breaks out of the second against `sign`.
fn sprung<E: Eye>(see: &mut See<'_, E>, ago: usize, sign: i32) -> bool {
    let [fourth, third, second, first] =
        [see.candle(ago), see.candle(ago + 1), see.candle(ago + 2), see.candle(ago + 3)];
    let near = see.size_then(ago, 2, Near);
    see.below(ago + 2, "2nd high is below the 1st", second.high, first.high)
        && see.above(ago + 2, "2nd low is above the 1st", second.low, first.low)
        && see.below(ago + 1, "3rd high is below the 2nd", third.high, second.high)
        && see.above(ago + 1, "3rd low is above the 2nd", third.low, second.low)
        && see.beyond(-sign, ago, "4th high breaks out the wrong way", fourth.high, third.high)
        && see.beyond(-sign, ago, "4th low breaks out the wrong way", fourth.low, third.low)
        && if sign > 0 {
            see.at_most(ago + 2, "2nd closes near its low (near)", second.close, second.low + near)
        } else {
            see.at_least(ago + 2, "2nd closes near its high (near)", second.close, second.high - near)
        }
}
