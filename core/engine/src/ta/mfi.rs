//! Money flow index. O(n), one pass over running sums.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, if_nearly_equal, streaming};

/// MFI.
pub const SPEC: Spec = Spec {
    name: "MFI",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Money flow index: the share of volume-weighted rises of the typical price; an RSI that knows volume.",
    formula: "TP = (high+low+close)/3; flow = TP*volume; MFI = 100 * up / (up + down) over n bars, 0 if nothing flowed",
    source: "TA-Lib 0.8.2 TA_MFI",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "0..100; above 80 is commonly called overbought, below 20 oversold")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<MoneyFlow, 4, 1>,
    stream: Some(streaming::<MoneyFlow, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct MoneyFlow<N = f64> {
    previous: Option<N>,
    up: Sum<N>,
    down: Sum<N>,
}

impl<N: Number> Windows<N, 4, 1> for MoneyFlow<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { previous: None, up: Sum::new(period), down: Sum::new(period) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low, close, volume]: [N; 4]) -> Option<[N; 1]> {
        let zero = N::splat(0.0);
        // Three times the typical price: a share of flows does not see the factor.
        let typical = high + low + close;
        let previous = self.previous.replace(typical)?;
        let money = if_nearly_equal(typical, previous, zero, typical * volume);
        let (up, down) = (N::if_above(previous, typical, zero, money), N::if_above(previous, typical, money, zero));
        let (up, down) = self.up.next(up).zip(self.down.next(down))?;
        Some([N::splat(100.0) * up.over_or_zero(up + down)])
    }
}

impl Blocks<4, 1> for MoneyFlow {
    type Over<N: Number> = MoneyFlow<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
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
