//! Middle of the highest high and the lowest low. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// MIDPRICE.
pub const SPEC: Spec = Spec {
    name: "MIDPRICE",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Midprice: half way between the highest high and the lowest low of the window.",
    formula: "(max(high, n) + min(low, n)) / 2",
    source: "TA-Lib 0.8.2 TA_MIDPRICE",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "middle, in the price's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Middle, 2, 1>,
    stream: Some(streaming::<Middle, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Middle {
    highest: Extreme,
    lowest: Extreme,
}

impl State<2, 1> for Middle {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { highest: Extreme::highest(period), lowest: Extreme::lowest(period) })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        let (highest, lowest) = (self.highest.next(high), self.lowest.next(low));
        highest.zip(lowest).map(|(highest, lowest)| [(highest + lowest) / 2.0])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn lies_between_the_extremes_of_the_bars() {
        let out = SPEC.compute_vec(&[&[4.0, 9.0, 5.0], &[2.0, 3.0, 1.0]], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(1).all(|value| value.is_nan()));
        assert_eq!(out.get(1..), Some(&[5.5, 5.0][..]));
    }
}
