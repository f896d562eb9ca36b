//! Triangular moving average. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// TRIMA.
pub const SPEC: Spec = Spec {
    name: "TRIMA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Triangular moving average: weights rise to the middle of the window and fall again.",
    formula: "odd n: SMA(SMA(x, (n+1)/2), (n+1)/2); even n: SMA(SMA(x, n/2 + 1), n/2)",
    source: "TA-Lib 0.8.2 TA_TRIMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window; 1 is the input itself")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(Average::Trima.lookback(params.int(0)?)),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<TriangularAverage, 1, 1>,
    stream: Some(streaming::<TriangularAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct TriangularAverage {
    average: Ma,
}

impl State<1, 1> for TriangularAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ma::new(Average::Trima, params.int(0)?, params.seed())? })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_middle_most() {
        let out = SPEC.compute_vec(&[&[0.0, 0.0, 8.0, 0.0, 0.0]], &[3.0]).unwrap_or_default().concat();
        // Weights 1, 2, 1 of 4.
        assert_eq!(out.get(2..), Some(&[2.0, 4.0, 2.0][..]));
        let out = SPEC.compute_vec(&[&[0.0, 6.0, 0.0, 0.0, 0.0]], &[4.0]).unwrap_or_default().concat();
        // Weights 1, 2, 2, 1 of 6.
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        assert_eq!(out.get(3..), Some(&[2.0, 1.0][..]));
    }
}
