//! Average true range. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::lanes::{Recursion, Recursive, forgets, recursive};
use super::kit::ranges::{TrueRange, true_range};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, streaming};

/// ATR.
pub const SPEC: Spec = Spec {
    name: "ATR",
    group: "Volatility Indicators",
    self_checking: true,
    doc: "Average true range, Wilder-smoothed; how far a bar usually moves, gaps included.",
    formula: "TR = max(high-low, |high-close[-1]|, |low-close[-1]|); ATR[i] = (ATR[i-1]*(n-1) + TR[i]) / n",
    source: "TA-Lib 0.8.2 TA_ATR; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars of Wilder smoothing; 1 is the true range itself")],
    outputs: &[Output::float("real", "range, in the price's unit")],
    // TradingView has a range on the first bar already.
    lookback: |params| Ok(params.int(0)? - usize::from(params.seed() == Seed::TradingView)),
    memory: Memory::History,
    seeded: true,
    kernel: recursive::<AverageRange, 3, 2, 1>,
    stream: Some(streaming::<AverageRange, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AverageRange {
    range: TrueRange,
    average: Ema,
}

impl State<3, 1> for AverageRange {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { range: TrueRange::new(params.seed()), average: Ema::wilder(params.int(0)?) })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 1]> {
        let range = self.range.next(high, low, close)?;
        self.average.next(range).map(|average| [average])
    }
}

impl Recursive<3, 2, 1> for AverageRange {
    fn recursion(&self) -> Option<(impl Recursion<3, 2, 1>, [f64; 2])> {
        let weight = self.average.weight();
        let close = self.range.close().filter(|_| weight < 1.0)?;
        Some((Smooth { weight }, [close, self.average.average()]))
    }
}

#[derive(Clone, Copy)]
struct Smooth {
    weight: f64,
}

impl Recursion<3, 2, 1> for Smooth {
    #[inline(always)]
    fn step<N: Number>(&self, [previous, average]: &mut [N; 2], [high, low, close]: [N; 3]) -> [N; 1] {
        *average += (true_range(high, low, *previous) - *average) * N::splat(self.weight);
        *previous = close;
        [*average]
    }

    fn memory(&self) -> usize {
        forgets(self.weight)
    }

    fn guess(&self, [high, low, close]: [f64; 3]) -> [f64; 2] {
        [close, high - low]
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn counts_the_gap() {
        let (high, low, close) = ([2.0, 3.0, 9.0, 9.0], [1.0, 1.0, 8.0, 8.0], [1.5, 2.0, 8.5, 8.5]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // true ranges 2, 7, 1
        assert_eq!(out.get(2..), Some(&[4.5, 2.75][..]));
    }
}
