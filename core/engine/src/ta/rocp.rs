//! Rate of change as a fraction. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// ROCP.
pub const SPEC: Spec = Spec {
    name: "ROCP",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Rate of change: the change over timeperiod bars as a share of the older value.",
    formula: "ROCP[i] = (x[i] - x[i-n]) / x[i-n], 0 if x[i-n] = 0",
    source: "TA-Lib 0.8.2 TA_ROCP",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 10.0, 1.0, "bars to look back")],
    outputs: &[Output::float("real", "change as a fraction; 0.01 is one percent")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<RateOfChangeShare, 1, 1>,
    stream: Some(streaming::<RateOfChangeShare, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct RateOfChangeShare {
    past: Ring,
}

impl State<1, 1> for RateOfChangeShare {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { past: Ring::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.past.push(value).map(|past| [ratio_or_zero(value - past, past)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_change_as_a_share() {
        let out = SPEC.compute_vec(&[&[2.0, 0.0, 3.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[0.5, 0.0][..]));
    }
}
