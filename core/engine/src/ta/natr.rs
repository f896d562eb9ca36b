//! Normalised average true range. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::lanes::{Recursion, Recursive, forgets, recursive};
use super::kit::ranges::{TrueRange, true_range};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, ratio_or_zero, streaming};

/// NATR.
pub const SPEC: Spec = Spec {
    name: "NATR",
    group: "Volatility Indicators",
    self_checking: true,
    doc: "Average true range in percent of the close; comparable between instruments.",
    formula: "NATR = 100 * ATR / close",
    source: "TA-Lib 0.8.2 TA_NATR (with timeperiod 1 TA-Lib gives the plain true range, and so does this)",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "range, in percent of the close")],
    // TradingView has a range on the first bar already.
    lookback: |params| Ok(params.int(0)? - usize::from(params.seed() == Seed::TradingView)),
    memory: Memory::History,
    seeded: true,
    kernel: recursive::<NormalizedRange, 3, 2, 1>,
    stream: Some(streaming::<NormalizedRange, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct NormalizedRange {
    range: TrueRange,
    average: Ema,
    /// With a period of 1 TA-Lib gives the range itself.
    plain: bool,
}

impl State<3, 1> for NormalizedRange {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { range: TrueRange::new(params.seed()), average: Ema::wilder(period), plain: period == 1 })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 1]> {
        let range = self.range.next(high, low, close)?;
        let average = self.average.next(range)?;
        Some([if self.plain { average } else { 100.0 * ratio_or_zero(average, close) }])
    }
}

impl Recursive<3, 2, 1> for NormalizedRange {
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
        [N::splat(100.0) * average.over_or_zero(close)]
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
    fn is_a_percentage_of_the_close() {
        let (high, low, close) = ([12.0, 12.0, 12.0], [8.0, 8.0, 8.0], [10.0, 10.0, 10.0]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.last(), Some(&40.0));
    }
}
