//! Lowest and highest value of a rolling window. O(n) for every period, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// MINMAX.
pub const SPEC: Spec = Spec {
    name: "MINMAX",
    group: "Math Operators",
    self_checking: false,
    doc: "Lowest and highest of the last timeperiod values.",
    formula: "min = min(x[i], ..., x[i-n+1]); max = max(x[i], ..., x[i-n+1])",
    source: "TA-Lib 0.8.2 TA_MINMAX (a window that holds a NaN is NaN here; TA-Lib can show an older value)",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[
        Output::float("min", "lowest value, in the input's unit"),
        Output::float("max", "highest value, in the input's unit"),
    ],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Bounds, 1, 2>,
    stream: Some(streaming::<Bounds, 1, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Bounds {
    lowest: Extreme,
    highest: Extreme,
}

impl State<1, 2> for Bounds {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { lowest: Extreme::lowest(period), highest: Extreme::highest(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 2]> {
        let (low, high) = (self.lowest.next(value), self.highest.next(value));
        low.zip(high).map(|(low, high)| [low, high])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn follow_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 2.0, 3.0]], &[2.0]).unwrap_or_default();
        let after = |output: usize| out.get(output).and_then(|values| values.get(1..));
        assert_eq!((after(0), after(1)), (Some(&[1.0, 2.0, 2.0][..]), Some(&[4.0, 4.0, 3.0][..])));
    }
}
