//! Money flow index. O(n), one pass over running sums.

use serde::{Deserialize, Serialize};

use super::kit::windows::Sum;
use super::kit::{
    Input, Memory, Output, Param, Params, Spec, State, TaError, batch, nearly_equal, ratio_or_zero, streaming,
};

/// MFI.
pub const SPEC: Spec = Spec {
    name: "MFI",
    group: "Momentum Indicators",
    doc: "Money flow index: the share of volume-weighted rises of the typical price; an RSI that knows volume.",
    formula: "TP = (high+low+close)/3; flow = TP*volume; MFI = 100 * up / (up + down) over n bars, 0 if nothing flowed",
    source: "TA-Lib 0.8.2 TA_MFI",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "0..100; above 80 is commonly called overbought, below 20 oversold")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<MoneyFlow, 4, 1>,
    stream: Some(streaming::<MoneyFlow, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct MoneyFlow {
    previous: Option<f64>,
    up: Sum,
    down: Sum,
}

impl State<4, 1> for MoneyFlow {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { previous: None, up: Sum::new(period), down: Sum::new(period) })
    }

    fn next(&mut self, [high, low, close, volume]: [f64; 4]) -> Option<[f64; 1]> {
        let typical = (high + low + close) / 3.0;
        let previous = self.previous.replace(typical)?;
        let money = if nearly_equal(typical, previous) { 0.0 } else { typical * volume };
        let (up, down) = if typical < previous { (0.0, money) } else { (money, 0.0) };
        let (up, down) = self.up.next(up).zip(self.down.next(down))?;
        Some([100.0 * ratio_or_zero(up, up + down)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_share_of_money_that_flowed_up() {
        let (price, volume) = ([10.0, 20.0, 10.0, 30.0], [1.0, 3.0, 2.0, 2.0]);
        let out = SPEC.compute_vec(&[&price, &price, &price, &volume], &[2.0]).unwrap_or_default().concat();
        // flows: +60, -20, +60
        assert_eq!(out.get(2..), Some(&[75.0, 75.0][..]));
    }

    #[test]
    fn nothing_is_left_of_flows_that_have_passed() {
        // Two flows of 0.7 and 0.1: as floats (0.7 + 0.1) - 0.7 - 0.1 is not 0.
        let (price, volume) = ([1.0, 2.0, 4.0, 4.0, 4.0, 4.0], [1.0, 0.35, 0.025, 1.0, 1.0, 1.0]);
        let out = SPEC.compute_vec(&[&price, &price, &price, &volume], &[3.0]).unwrap_or_default().concat();
        assert_eq!(out.get(3..), Some(&[100.0, 100.0, 0.0][..]));
    }
}
