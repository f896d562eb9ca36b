//! Weighted moving average. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::Wma;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// WMA.
pub const SPEC: Spec = Spec {
    name: "WMA",
    group: "Overlap Studies",
    doc: "Linearly weighted moving average: the newest value weighs timeperiod, the oldest 1.",
    formula: "WMA[i] = (n*x[i] + (n-1)*x[i-1] + ... + 1*x[i-n+1]) / (n(n+1)/2)",
    source: "TA-Lib 0.8.2 TA_WMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<WeightedAverage, 1, 1>,
    stream: Some(streaming::<WeightedAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct WeightedAverage {
    average: Wma,
}

impl State<1, 1> for WeightedAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Wma::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_newest_most() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 9.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // (1*1 + 2*2 + 3*3) / 6 and (1*2 + 2*3 + 3*9) / 6
        assert_eq!(out.get(2..), Some(&[14.0 / 6.0, 35.0 / 6.0][..]));
    }
}
