//! Chande momentum oscillator, unsmoothed. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// CMOU.
pub const SPEC: Spec = Spec {
    name: "CMOU",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Chande momentum oscillator as Chande defined it: rises minus falls in all movement; 0 when nothing moved.",
    formula: "CMOU = 100 * (U - D) / (U + D); U, D: sums of the rises and of the falls over n changes",
    source: "TA-Lib 0.8.2 TA_CMOU; T. Chande and S. Kroll, The New Technical Trader, 1994",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "changes in the window")],
    outputs: &[Output::float("real", "-100..100; beyond +-50 is commonly called overbought or oversold")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<PlainMomentum, 1, 1>,
    stream: Some(streaming::<PlainMomentum, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct PlainMomentum {
    previous: Option<f64>,
    up: Sum,
    down: Sum,
}

impl State<1, 1> for PlainMomentum {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { previous: None, up: Sum::new(period), down: Sum::new(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let change = value - self.previous.replace(value)?;
        let (rise, fall) = if change < 0.0 { (0.0, -change) } else { (change, 0.0) };
        let (up, down) = self.up.next(rise).zip(self.down.next(fall))?;
        Some([100.0 * ratio_or_zero(up - down, up + down)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_rises_minus_falls_of_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 3.0, 3.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        // changes 3 -1 0 0: (3 - 1) / 4, then -1 / 1, then nothing moved
        assert_eq!(out.get(2..), Some(&[50.0, -100.0, 0.0][..]));
    }
}
