//! Double exponential moving average. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma};
use super::kit::lanes::{Recursion, Recursive, follow, forgets, recursive};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// DEMA.
pub const SPEC: Spec = Spec {
    name: "DEMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Double exponential moving average: an EMA with most of its lag taken out.",
    formula: "DEMA = 2*EMA(x, n) - EMA(EMA(x, n), n)",
    source: "TA-Lib 0.8.2 TA_DEMA; Patrick Mulloy, Stocks and Commodities 12:1, 1994",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars of each EMA; 1 is the input itself")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(Average::Dema.lookback(params.int(0)?)),
    memory: Memory::History,
    seeded: true,
    kernel: recursive::<DoubleAverage, 1, 2, 1>,
    stream: Some(streaming::<DoubleAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct DoubleAverage {
    average: Ma,
}

impl State<1, 1> for DoubleAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ma::new(Average::Dema, params.int(0)?, params.seed())? })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

impl Recursive<1, 2, 1> for DoubleAverage {
    fn recursion(&self) -> Option<(impl Recursion<1, 2, 1>, [f64; 2])> {
        let Ma::Dema(chain) = &self.average else { return None };
        let (parts, weight) = chain.parts();
        Some((Follow { weight }, parts))
    }
}

#[derive(Clone, Copy)]
struct Follow {
    weight: f64,
}

impl Recursion<1, 2, 1> for Follow {
    #[inline(always)]
    fn step<N: Number>(&self, averages: &mut [N; 2], [value]: [N; 1]) -> [N; 1] {
        let [first, second] = follow(averages, value, self.weight);
        [N::splat(2.0) * first - second]
    }

    fn memory(&self) -> usize {
        2 * forgets(self.weight)
    }

    fn guess(&self, [value]: [f64; 1]) -> [f64; 2] {
        [value; 2]
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn does_not_lag_behind_a_straight_line() {
        // One EMA trails a line of slope 1 by (n - 1) / 2 bars, the second by twice that.
        let real: Vec<f64> = (0..12).map(f64::from).collect();
        let out = SPEC.compute_vec(&[&real], &[4.0]).unwrap_or_default().concat();
        assert!(out.iter().take(6).all(|value| value.is_nan()));
        assert!(out.iter().zip(&real).skip(6).all(|(value, real)| (value - real).abs() < 1e-12), "{out:?}");
    }
}
