//! TRIX. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::EmaChain;
use super::kit::lanes::{Recursion, Recursive, follow, forgets, recursive};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// TRIX.
pub const SPEC: Spec = Spec {
    name: "TRIX",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "TRIX: the one-bar change in percent of a triple exponential average.",
    formula: "E = EMA(EMA(EMA(x, n), n), n); TRIX[i] = 100 * (E[i] / E[i-1] - 1), 0 if E[i-1] = 0",
    source: "TA-Lib 0.8.2 TA_TRIX; J. Hutson, Stocks & Commodities, 1983",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars of each EMA")],
    outputs: &[Output::float("real", "percent a bar; above 0 the smoothed series rises")],
    lookback: |params| Ok(3 * (params.int(0)? - 1) + 1),
    memory: Memory::History,
    seeded: true,
    kernel: recursive::<TripleChange, 1, 3, 1>,
    stream: Some(streaming::<TripleChange, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct TripleChange {
    chain: EmaChain<3>,
    previous: Option<f64>,
}

impl State<1, 1> for TripleChange {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { chain: EmaChain::new(params.int(0)?, params.seed()), previous: None })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let [_, _, average] = self.chain.next(value)?;
        let previous = self.previous.replace(average)?;
        Some([if previous == 0.0 { 0.0 } else { (average / previous - 1.0) * 100.0 }])
    }
}

impl Recursive<1, 3, 1> for TripleChange {
    fn recursion(&self) -> Option<(impl Recursion<1, 3, 1>, [f64; 3])> {
        let (parts, weight) = self.chain.parts();
        // A weight of 1 is the average's own shortcut.
        (weight < 1.0).then_some((Change { weight }, parts))
    }
}

#[derive(Clone, Copy)]
struct Change {
    weight: f64,
}

impl Recursion<1, 3, 1> for Change {
    #[inline(always)]
    fn step<N: Number>(&self, averages: &mut [N; 3], [value]: [N; 1]) -> [N; 1] {
        let [_, _, before] = *averages;
        let [_, _, average] = follow(averages, value, self.weight);
        let (zero, one) = (N::splat(0.0), N::splat(1.0));
        [N::if_equal(before, zero, zero, (average / before - one) * N::splat(100.0))]
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
    fn is_the_change_of_the_third_average() {
        // On a straight line all averages rise by one bar's worth: after three means of two values it stands at 1.5.
        let real: Vec<f64> = (0..6).map(f64::from).collect();
        let out = SPEC.compute_vec(&[&real], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(4).all(|value| value.is_nan()));
        let expected = [100.0 / 1.5, 100.0 / 2.5];
        assert!(out.iter().skip(4).zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{out:?}");
    }
}
