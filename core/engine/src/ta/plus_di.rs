//! Directional indicator, upward side. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::ranges::Directional;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// PLUS_DI.
pub const SPEC: Spec = Spec {
    name: "PLUS_DI",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Directional indicator, upward: how much of the true range is movement up.",
    formula: "100 * W(+DM) / W(TR); +DM: rise of the high where it is the larger move, else 0; W: Wilder's running sum",
    source: "TA-Lib 0.8.2 TA_PLUS_DI (with timeperiod 1 the plain ratio +DM / TR, not times 100)",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "0..100, share of the range in percent; 0 when there was no range")],
    lookback: |params| params.int(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<PlusIndicator, 3, 1>,
    stream: Some(streaming::<PlusIndicator, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct PlusIndicator {
    movement: Directional,
    /// With a period of 1 TA-Lib does not scale by 100.
    scale: f64,
}

impl State<3, 1> for PlusIndicator {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { movement: Directional::new(period), scale: if period == 1 { 1.0 } else { 100.0 } })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 1]> {
        self.movement.next(bar).map(|sums| [self.scale * ratio_or_zero(sums.plus, sums.range)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_rise_of_one_in_a_range_of_two_is_fifty() {
        let (high, low) = ([2.0, 3.0, 4.0, 5.0], [0.0, 1.0, 2.0, 3.0]);
        let close = [1.0, 2.0, 3.0, 4.0];
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[50.0, 50.0][..]));
    }
}
