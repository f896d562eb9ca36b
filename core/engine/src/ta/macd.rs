//! Moving average convergence / divergence. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::lanes::{Recursion, Recursive, forgets, recursive};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, streaming};

/// MACD.
pub const SPEC: Spec = Spec {
    name: "MACD",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Moving average convergence/divergence: fast minus slow EMA, its own EMA, and the difference of the two.",
    formula: "macd = EMA(x, fast) - EMA(x, slow); macdsignal = EMA(macd, signal); macdhist = macd - macdsignal",
    source: "TA-Lib 0.8.2 TA_MACD (both EMAs start at the bar where the slow one can; a fast longer than slow is swapped)",
    inputs: &[Input::Real],
    params: &[
        Param::period("fastperiod", 12.0, 2.0, "bars of the fast EMA"),
        Param::period("slowperiod", 26.0, 2.0, "bars of the slow EMA"),
        Param::period("signalperiod", 9.0, 1.0, "bars of the signal's EMA"),
    ],
    outputs: &[
        Output::float("macd", "fast minus slow, in the input's unit; above 0 the short trend is the higher one"),
        Output::float("macdsignal", "smoothed macd"),
        Output::float("macdhist", "macd minus macdsignal; its sign change is the usual trigger"),
    ],
    lookback: |params| {
        let (_, slow, signal) = periods(params)?;
        Ok(slow + signal - 2)
    },
    memory: Memory::History,
    seeded: true,
    kernel: recursive::<Convergence, 1, 3, 3>,
    stream: Some(streaming::<Convergence, 1, 3>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Convergence {
    /// Values the fast average leaves out so that both begin on one bar, as in TA-Lib.
    skip: usize,
    fast: Ema,
    slow: Ema,
    signal: Ema,
}

impl State<1, 3> for Convergence {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (fast, slow, signal) = periods(params)?;
        let average = |period| Ema::new(period, params.seed());
        // A first-value seed begins with the first bar, so there is nothing to leave out.
        let skip = if params.seed() == Seed::Talib { slow - fast } else { 0 };
        Ok(Self { skip, fast: average(fast), slow: average(slow), signal: average(signal) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 3]> {
        let fast = if self.skip > 0 { None } else { self.fast.next(value) };
        self.skip = self.skip.saturating_sub(1);
        let (fast, slow) = fast.zip(self.slow.next(value))?;
        let macd = fast - slow;
        self.signal.next(macd).map(|signal| [macd, signal, macd - signal])
    }
}

/// Fast, slow and signal periods, the shorter one fast.
fn periods(params: &Params) -> Result<(usize, usize, usize), TaError> {
    let (fast, slow) = (params.int(0)?, params.int(1)?);
    Ok((fast.min(slow), fast.max(slow), params.int(2)?))
}

impl Recursive<1, 3, 3> for Convergence {
    fn recursion(&self) -> Option<(impl Recursion<1, 3, 3>, [f64; 3])> {
        let averages = [&self.fast, &self.slow, &self.signal];
        let weights = averages.map(Ema::weight);
        // A weight of 1 is the average's own shortcut.
        weights.iter().all(|weight| *weight < 1.0).then(|| (Lines { weights }, averages.map(Ema::average)))
    }
}

/// Weights of the fast, slow and signal averages.
#[derive(Clone, Copy)]
struct Lines {
    weights: [f64; 3],
}

impl Recursion<1, 3, 3> for Lines {
    #[inline(always)]
    fn step<N: Number>(&self, [fast, slow, signal]: &mut [N; 3], [value]: [N; 1]) -> [N; 3] {
        let [fast_weight, slow_weight, signal_weight] = self.weights;
        *fast += (value - *fast) * N::splat(fast_weight);
        *slow += (value - *slow) * N::splat(slow_weight);
        let macd = *fast - *slow;
        *signal += (macd - *signal) * N::splat(signal_weight);
        [macd, *signal, macd - *signal]
    }

    fn memory(&self) -> usize {
        let [fast, slow, signal] = self.weights;
        // The signal forgets while the lines do.
        forgets(fast).max(forgets(slow)).max(forgets(signal)) + forgets(signal) / 4
    }

    fn guess(&self, [value]: [f64; 1]) -> [f64; 3] {
        [value, value, 0.0]
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_straight_line_keeps_a_constant_distance() {
        // An EMA trails a line of slope 1 by (n - 1) / 2 bars, seed included: 2.5 - 1.5 = 1.
        let real: Vec<f64> = (0..12).map(f64::from).collect();
        let outputs = SPEC.compute_vec(&[&real], &[4.0, 6.0, 3.0]).unwrap_or_default();
        for (output, expected) in outputs.iter().zip([1.0, 1.0, 0.0]) {
            assert!(output.iter().take(7).all(|value| value.is_nan()));
            assert!(output.iter().skip(7).all(|value| (value - expected).abs() < 1e-12), "{output:?}");
        }
    }

    #[test]
    fn swapped_periods_are_put_right() {
        let real: Vec<f64> = (0..20).map(|i| f64::from(i * i % 7)).collect();
        let text = |params: &[f64]| format!("{:?}", SPEC.compute_vec(&[&real], params));
        assert_eq!(text(&[3.0, 6.0, 2.0]), text(&[6.0, 3.0, 2.0]));
    }
}
