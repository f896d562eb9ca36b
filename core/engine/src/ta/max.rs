//! Highest value of a rolling window. O(n) for every period, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// MAX.
pub const SPEC: Spec = Spec {
    name: "MAX",
    group: "Math Operators",
    doc: "Highest of the last timeperiod values.",
    formula: "MAX[i] = max(x[i], x[i-1], ..., x[i-n+1])",
    source: "TA-Lib 0.8.2 TA_MAX (a window that holds a NaN is NaN here; TA-Lib can show an older value)",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Highest, 1, 1>,
    stream: Some(streaming::<Highest, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Highest {
    extreme: Extreme,
}

impl State<1, 1> for Highest {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { extreme: Extreme::highest(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.extreme.next(value).map(|extreme| [extreme])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn follows_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 2.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[4.0, 4.0, 3.0][..]));
    }
}
