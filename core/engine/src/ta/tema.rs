//! Triple exponential moving average. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma};
use super::kit::lanes::{Recursion, Recursive, follow, forgets, recursive};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// TEMA.
pub const SPEC: Spec = Spec {
    name: "TEMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Triple exponential moving average: an EMA with nearly all of its lag taken out.",
    formula: "TEMA = 3*EMA1 - 3*EMA2 + EMA3; EMA1 = EMA(x, n), EMA2 = EMA(EMA1, n), EMA3 = EMA(EMA2, n)",
    source: "TA-Lib 0.8.2 TA_TEMA; Patrick Mulloy, Stocks and Commodities 12:1, 1994",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars of each EMA; 1 is the input itself")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(Average::Tema.lookback(params.int(0)?)),
    memory: Memory::History,
    seeded: true,
    kernel: recursive::<TripleAverage, 1, 3, 1>,
    stream: Some(streaming::<TripleAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct TripleAverage {
    average: Ma,
}

impl State<1, 1> for TripleAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ma::new(Average::Tema, params.int(0)?, params.seed())? })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

impl Recursive<1, 3, 1> for TripleAverage {
    fn recursion(&self) -> Option<(impl Recursion<1, 3, 1>, [f64; 3])> {
        let Ma::Tema(chain) = &self.average else { return None };
        let (parts, weight) = chain.parts();
        Some((Follow { weight }, parts))
    }
}

#[derive(Clone, Copy)]
struct Follow {
    weight: f64,
}

impl Recursion<1, 3, 1> for Follow {
    #[inline(always)]
    fn step<N: Number>(&self, averages: &mut [N; 3], [value]: [N; 1]) -> [N; 1] {
        let [first, second, third] = follow(averages, value, self.weight);
        [N::splat(3.0) * first - N::splat(3.0) * second + third]
    }

    fn memory(&self) -> usize {
        3 * forgets(self.weight)
    }

    fn guess(&self, [value]: [f64; 1]) -> [f64; 3] {
        [value; 3]
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn does_not_lag_behind_a_straight_line() {
        // Lags of 1.5, 3 and 4.5 bars cancel: 3 * 1.5 - 3 * 3 + 4.5 = 0.
        let real: Vec<f64> = (0..15).map(f64::from).collect();
        let out = SPEC.compute_vec(&[&real], &[4.0]).unwrap_or_default().concat();
        assert!(out.iter().take(9).all(|value| value.is_nan()));
        assert!(out.iter().zip(&real).skip(9).all(|(value, real)| (value - real).abs() < 1e-12), "{out:?}");
    }
}
