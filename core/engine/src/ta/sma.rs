//! Simple moving average. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// SMA.
pub const SPEC: Spec = Spec {
    name: "SMA",
    group: "Overlap Studies",
    doc: "Simple moving average: the mean of the last timeperiod values.",
    formula: "SMA[i] = (x[i] + x[i-1] + ... + x[i-n+1]) / n",
    source: "TA-Lib 0.8.2 TA_SMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<SimpleAverage, 1, 1>,
    stream: Some(streaming::<SimpleAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct SimpleAverage {
    average: Sma,
}

impl State<1, 1> for SimpleAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Sma::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn averages_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 4.0, 8.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert_eq!(out.get(2..), Some(&[2.0, 3.0, 5.0][..]));
    }
}
