//! Running total. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// CUMSUM.
pub const SPEC: Spec = Spec {
    name: "CUMSUM",
    group: "Math Operators",
    self_checking: false,
    doc: "Sum of all values so far.",
    formula: "CUMSUM[i] = x[0] + x[1] + ... + x[i]",
    source: "TA-Lib 0.8.2 TA_CUMSUM",
    inputs: &[Input::Real],
    params: &[],
    outputs: &[Output::float("real", "in the input's unit; only its changes mean something")],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<RunningTotal, 1, 1>,
    stream: Some(streaming::<RunningTotal, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct RunningTotal {
    total: f64,
}

impl State<1, 1> for RunningTotal {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { total: 0.0 })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.total += value;
        Some([self.total])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn adds_up_from_the_first_bar() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, -4.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [1.0, 3.0, -1.0]);
    }
}
