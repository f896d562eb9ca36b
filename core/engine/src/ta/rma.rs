//! Wilder's smoothed moving average. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// RMA.
pub const SPEC: Spec = Spec {
    name: "RMA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Wilder's smoothed moving average: an exponential average with weight 1/n, begun with the mean of n values.",
    formula: "RMA[i] = RMA[i-1] + (x[i] - RMA[i-1]) / n",
    source: "TA-Lib 0.8.2 TA_RMA; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars; the newest weighs 1/timeperiod; 1 is the input itself")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(Average::Rma.lookback(params.int(0)?)),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<WilderAverage, 1, 1>,
    stream: Some(streaming::<WilderAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct WilderAverage {
    average: Ma,
}

impl State<1, 1> for WilderAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ma::new(Average::Rma, params.int(0)?, params.seed())? })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn starts_at_the_mean_and_gives_up_a_quarter() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 6.0, 7.0, 0.0]], &[4.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        assert_eq!(out.get(3..), Some(&[3.0, 4.0, 3.0][..]));
    }
}
