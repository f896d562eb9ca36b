//! Where the lowest value of a rolling window is. O(n) for every period, see `kit::places`.

use serde::{Deserialize, Serialize};

use super::kit::places::Placed;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// MININDEX.
pub const SPEC: Spec = Spec {
    name: "MININDEX",
    group: "Math Operators",
    self_checking: false,
    doc: "Place in the series of the lowest of the last timeperiod values.",
    formula: "MININDEX[i] = the k in i-n+1 ..= i with the lowest x[k]; of equals see the source",
    source: "TA-Lib 0.8.2 TA_MININDEX: of equals the newest, but the oldest when the one before has left the window",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[Output::index("integer", "place of the lowest value, counted from 0 at the first bar given")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<LowestPlace, 1, 1>,
    stream: Some(streaming::<LowestPlace, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct LowestPlace {
    extreme: Placed,
}

impl State<1, 1> for LowestPlace {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { extreme: Placed::lowest(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.extreme.next(value).map(|(_, ago)| [float(ago)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn counts_from_the_first_bar_given() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 0.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[0.0, 2.0, 2.0][..]));
        let late = SPEC.compute_vec(&[&[f64::NAN, f64::NAN, 1.0, 4.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(late, [0.0, 0.0, 0.0, 2.0]);
    }
}
