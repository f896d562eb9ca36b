//! Where the lowest and the highest value of a rolling window are. O(n) for every period, see `kit::places`.

use serde::{Deserialize, Serialize};

use super::kit::places::Placed;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// MINMAXINDEX.
pub const SPEC: Spec = Spec {
    name: "MINMAXINDEX",
    group: "Math Operators",
    self_checking: false,
    doc: "Places in the series of the lowest and the highest of the last timeperiod values.",
    formula: "minidx = MININDEX(x, n); maxidx = MAXINDEX(x, n)",
    source: "TA-Lib 0.8.2 TA_MINMAXINDEX",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[
        Output::index("minidx", "place of the lowest value, counted from 0 at the first bar given"),
        Output::index("maxidx", "place of the highest value, counted from 0 at the first bar given"),
    ],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<BoundPlaces, 1, 2>,
    stream: Some(streaming::<BoundPlaces, 1, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct BoundPlaces {
    lowest: Placed,
    highest: Placed,
}

impl State<1, 2> for BoundPlaces {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { lowest: Placed::lowest(period), highest: Placed::highest(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 2]> {
        let (low, high) = (self.lowest.next(value), self.highest.next(value));
        low.zip(high).map(|((_, low), (_, high))| [float(low), float(high)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn name_both_places() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 2.0, 3.0]], &[3.0]).unwrap_or_default();
        let after = |output: usize| out.get(output).and_then(|values| values.get(2..));
        assert_eq!((after(0), after(1)), (Some(&[0.0, 2.0][..]), Some(&[1.0, 1.0][..])));
    }
}
