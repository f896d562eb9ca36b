//! Sum of a rolling window. O(n) amortised, no drift: see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// SUM.
pub const SPEC: Spec = Spec {
    name: "SUM",
    group: "Math Operators",
    self_checking: false,
    doc: "Sum of the last timeperiod values.",
    formula: "SUM[i] = x[i] + x[i-1] + ... + x[i-n+1]",
    source: "TA-Lib 0.8.2 TA_SUM",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Total, 1, 1>,
    stream: Some(streaming::<Total, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Total {
    sum: Sum,
}

impl State<1, 1> for Total {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { sum: Sum::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.sum.next(value).map(|sum| [sum])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn forgets_what_has_left_the_window() {
        let out = SPEC.compute_vec(&[&[1e16, 1.0, 2.0, 4.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[3.0, 6.0][..]));
    }
}
