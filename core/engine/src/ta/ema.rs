//! Exponential moving average. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::lanes::{Recursion, Recursive, forgets, recursive};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// EMA.
pub const SPEC: Spec = Spec {
    name: "EMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Exponential moving average, seeded with the mean of the first timeperiod values.",
    formula: "EMA[i] = EMA[i-1] + 2/(n+1) * (x[i] - EMA[i-1])",
    source: "TA-Lib 0.8.2 TA_EMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars; the newest weighs 2/(timeperiod+1)")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::History,
    seeded: true,
    kernel: recursive::<ExponentialAverage, 1, 1, 1>,
    stream: Some(streaming::<ExponentialAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct ExponentialAverage {
    average: Ema,
}

impl State<1, 1> for ExponentialAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ema::new(params.int(0)?, params.seed()) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

impl Recursive<1, 1, 1> for ExponentialAverage {
    fn recursion(&self) -> Option<(impl Recursion<1, 1, 1>, [f64; 1])> {
        let weight = self.average.weight();
        // A weight of 1 is the state's own shortcut.
        (weight < 1.0).then(|| (Follow { weight }, [self.average.average()]))
    }
}

#[derive(Clone, Copy)]
struct Follow {
    weight: f64,
}

impl Recursion<1, 1, 1> for Follow {
    #[inline(always)]
    fn step<N: Number>(&self, [average]: &mut [N; 1], [value]: [N; 1]) -> [N; 1] {
        *average += (value - *average) * N::splat(self.weight);
        [*average]
    }

    fn memory(&self) -> usize {
        forgets(self.weight)
    }

    fn guess(&self, bar: [f64; 1]) -> [f64; 1] {
        bar
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn starts_at_the_mean_and_moves_half_way_with_period_three() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 6.0, 0.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert_eq!(out.get(2..), Some(&[2.0, 4.0, 2.0][..]));
    }

    #[test]
    fn a_period_of_one_is_the_input() {
        let out = SPEC.compute_vec(&[&[1e16, 1.0, 0.1]], &[1.0]).unwrap_or_default().concat();
        assert_eq!(out, [1e16, 1.0, 0.1]);
    }
}
