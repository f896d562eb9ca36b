//! Rate of change as a ratio. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// ROCR.
pub const SPEC: Spec = Spec {
    name: "ROCR",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Rate of change ratio: the value over the value timeperiod bars ago.",
    formula: "ROCR[i] = x[i] / x[i-n], 0 if x[i-n] = 0",
    source: "TA-Lib 0.8.2 TA_ROCR",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 10.0, 1.0, "bars to look back")],
    outputs: &[Output::float("real", "ratio, around 1; above 1 the series has risen")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<RateOfChangeRatio, 1, 1>,
    stream: Some(streaming::<RateOfChangeRatio, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct RateOfChangeRatio {
    past: Ring,
}

impl State<1, 1> for RateOfChangeRatio {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { past: Ring::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.past.push(value).map(|past| [ratio_or_zero(value, past)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_ratio() {
        let out = SPEC.compute_vec(&[&[2.0, 0.0, 3.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[1.5, 0.0][..]));
    }
}
