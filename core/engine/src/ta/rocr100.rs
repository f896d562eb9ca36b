//! Rate of change as a ratio in percent. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// ROCR100.
pub const SPEC: Spec = Spec {
    name: "ROCR100",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Rate of change ratio in percent: 100 times the value over the value timeperiod bars ago.",
    formula: "ROCR100[i] = 100 * x[i] / x[i-n], 0 if x[i-n] = 0",
    source: "TA-Lib 0.8.2 TA_ROCR100",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 10.0, 1.0, "bars to look back")],
    outputs: &[Output::float("real", "ratio in percent, around 100; above 100 the series has risen")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<RateOfChangePercent, 1, 1>,
    stream: Some(streaming::<RateOfChangePercent, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct RateOfChangePercent {
    past: Ring,
}

impl State<1, 1> for RateOfChangePercent {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { past: Ring::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.past.push(value).map(|past| [100.0 * ratio_or_zero(value, past)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_ratio_in_percent() {
        let out = SPEC.compute_vec(&[&[2.0, 0.0, 3.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[150.0, 0.0][..]));
    }
}
