//! TD Sequential. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// `TD_SEQUENTIAL`.
pub const SPEC: Spec = Spec {
    name: "TD_SEQUENTIAL",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "TD Sequential; positive counts prepare a buy (falling prices), negative ones a sell. A setup begins at a price flip and goes on counting past 9 while it runs (some charts stop at 9 or need no flip). The countdown begins on bar 9, keeps its count between bars that qualify, shows 13 once, restarts with a new setup (recycling of 1994, whatever its size), and ends with an opposite setup or a true low above the setup's highest true high.",
    formula: "buy setup: consecutive closes < close[-4], the first after a bar that was not; countdown: bars with close <= low[-2], and low of the 13th <= close of the 8th; perfected: low of setup bar 8, 9 or later <= lows of 6 and 7; sell: the mirror image",
    source: "Thomas DeMark, The New Science of Technical Analysis, 1994; Jason Perl, DeMark Indicators, 2008",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &[
        Output::whole("setup", "count of the setup, 9 completes it; > 0 towards a buy, < 0 towards a sell, 0 none"),
        Output::whole("countdown", "count of the countdown, 13 completes it; same sign; 0 none under way"),
        Output::whole("perfected", "1 or -1 on setup bars from 9 on once the setup is perfected, else 0"),
    ],
    // The bar before the first count must have a close four bars before it too.
    lookback: |_| Ok(COMPARED + 1),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<Sequential, 3, 3>,
    stream: Some(streaming::<Sequential, 3, 3>),
};

/// A setup compares a close with the one this many bars before.
const COMPARED: usize = 4;
const SETUP: u32 = 9;
const COUNTDOWN: u32 = 13;

#[derive(Clone, Serialize, Deserialize)]
struct Countdown {
    count: u32,
    /// Close of its eighth bar.
    eighth: f64,
    /// Highest true high of the setup: a bar that stays above it ends the countdown.
    barrier: f64,
}

/// The rules of a buy; a sell is the same on mirrored prices.
#[derive(Clone, Serialize, Deserialize)]
struct Side {
    closes: Ring,
    lows: Ring,
    previous_close: Option<f64>,
    /// Whether the bar before could be compared and was not lower.
    ready: bool,
    setup: u32,
    barrier: f64,
    /// Lower one of the lows of setup bars 6 and 7.
    support: f64,
    perfected: bool,
    countdown: Option<Countdown>,
}

impl Side {
    fn new() -> Self {
        Self {
            closes: Ring::new(COMPARED),
            lows: Ring::new(2),
            previous_close: None,
            ready: false,
            setup: 0,
            barrier: f64::NEG_INFINITY,
            support: f64::INFINITY,
            perfected: false,
            countdown: None,
        }
    }

    /// Count the setup; whether it completes on this bar.
    fn set_up(&mut self, [high, low, close]: [f64; 3]) -> bool {
        let before = self.closes.push(close);
        let lower = before.is_some_and(|before| close < before);
        let goes_on = lower && (self.setup > 0 || self.ready);
        self.ready = before.is_some() && !lower;
        if !goes_on {
            (self.setup, self.barrier, self.support) = (0, f64::NEG_INFINITY, f64::INFINITY);
            self.perfected = false;
            return false;
        }
        self.setup += 1;
        match self.setup {
            0..=5 => {}
            6 | 7 => self.support = self.support.min(low),
            _ => self.perfected |= low <= self.support,
        }
        if self.setup <= SETUP {
            let true_high = self.previous_close.map_or(high, |close| high.max(close));
            self.barrier = self.barrier.max(true_high);
        }
        self.setup == SETUP
    }

    /// The countdown's count on this bar.
    fn count_down(&mut self, [_, low, close]: [f64; 3]) -> u32 {
        let earlier_low = self.lows.push(low);
        let true_low = self.previous_close.replace(close).map_or(low, |previous| low.min(previous));
        let (Some(countdown), Some(earlier_low)) = (&mut self.countdown, earlier_low) else { return 0 };
        if true_low > countdown.barrier {
            self.countdown = None;
            return 0;
        }
        let last = countdown.count + 1 == COUNTDOWN;
        if close <= earlier_low && !(last && low > countdown.eighth) {
            countdown.count += 1;
            if countdown.count == 8 {
                countdown.eighth = close;
            }
        }
        let count = countdown.count;
        if last && count == COUNTDOWN {
            self.countdown = None;
        }
        count
    }

    fn begin_countdown(&mut self) {
        self.countdown = Some(Countdown { count: 0, eighth: f64::INFINITY, barrier: self.barrier });
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Sequential {
    buy: Side,
    sell: Side,
    warm_up: Ring,
}

impl State<3, 3> for Sequential {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { buy: Side::new(), sell: Side::new(), warm_up: Ring::new(COMPARED + 1) })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 3]> {
        let [high, low, close] = bar;
        let mirrored = [-low, -high, -close];
        if self.buy.set_up(bar) {
            self.buy.begin_countdown();
            self.sell.countdown = None;
        }
        if self.sell.set_up(mirrored) {
            self.sell.begin_countdown();
            self.buy.countdown = None;
        }
        let countdown = f64::from(self.buy.count_down(bar)) - f64::from(self.sell.count_down(mirrored));
        let setup = f64::from(self.buy.setup) - f64::from(self.sell.setup);
        let perfected = |side: &Side| f64::from(u8::from(side.setup >= SETUP && side.perfected));
        self.warm_up.push(close).map(|_| [setup, countdown, perfected(&self.buy) - perfected(&self.sell)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    /// Outputs for bars of height 1 whose middle is the close.
    fn counts(close: &[f64]) -> Vec<Vec<f64>> {
        let high: Vec<f64> = close.iter().map(|close| close + 0.5).collect();
        let low: Vec<f64> = close.iter().map(|close| close - 0.5).collect();
        SPEC.compute_vec(&[&high, &low, close], &[]).unwrap_or_default()
    }

    fn falling_after_a_flip() -> Vec<f64> {
        // Bars 0..=5 rise; from bar 6 on each close is 2 lower: bar 7 is the first below the close four bars before.
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0].into_iter().chain((0..24).map(|i| 4.0 - 2.0 * f64::from(i))).collect()
    }

    #[test]
    fn counts_a_fall_to_nine_and_then_to_thirteen() {
        let outputs = counts(&falling_after_a_flip());
        let output = |index: usize| outputs.get(index).cloned().unwrap_or_default();
        // The rise was under way before it could be seen: no flip, no count.
        let setup: Vec<f64> = [0.0; 7].into_iter().chain((1..24).map(f64::from)).collect();
        assert_eq!(output(0), setup);
        // begins on setup bar 9 (bar 15) and counts every bar to 13 on bar 27
        let countdown: Vec<f64> = (1..=13).map(f64::from).chain([0.0, 0.0]).collect();
        assert_eq!(output(1).get(15..), Some(countdown.as_slice()));
        assert_eq!(output(2).iter().position(|flag| *flag == 1.0), Some(15));
    }

    #[test]
    fn a_sell_is_the_mirror_image() {
        let falling = falling_after_a_flip();
        let rising: Vec<f64> = falling.iter().map(|close| -close).collect();
        for (buy, sell) in counts(&falling).iter().zip(counts(&rising)) {
            assert_eq!(buy.iter().map(|count| 0.0 - count).collect::<Vec<_>>(), sell);
        }
    }
}
