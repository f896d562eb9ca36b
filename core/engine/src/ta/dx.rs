//! Directional movement index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::ranges::Directional;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// DX.
pub const SPEC: Spec = Spec {
    name: "DX",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Directional movement index: how one-sided the movement is, whichever its direction.",
    formula: "DX = 100 * |+DI - -DI| / (+DI + -DI), the last value if there was no range or no movement (at first 0)",
    source: "TA-Lib 0.8.2 TA_DX; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "0..100; 100 when all movement went one way")],
    lookback: |params| params.int(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<DirectionalMovement, 3, 1>,
    stream: Some(streaming::<DirectionalMovement, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct DirectionalMovement {
    movement: Directional,
    last: f64,
}

impl State<3, 1> for DirectionalMovement {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { movement: Directional::new(params.int(0)?), last: 0.0 })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 1]> {
        let sums = self.movement.next(bar)?;
        if let Some(dx) = sums.dx() {
            self.last = dx;
        }
        Some([self.last])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_share_of_the_surplus_and_keeps_it_in_a_dead_market() {
        let (high, low) = ([4.0, 6.0, 6.0, 7.0], [0.0, 1.0, 0.0, 2.0]);
        let close = [2.0, 3.0, 3.0, 4.0];
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        // +DM: 2, then 2/2 + 0 = 1, then 1/2 + 1 = 1.5; -DM: 0, then 1, then 1/2
        assert!((out.get(2).copied().unwrap_or(f64::NAN)).abs() < 1e-12, "{out:?}");
        assert!((out.get(3).copied().unwrap_or(f64::NAN) - 50.0).abs() < 1e-12, "{out:?}");
        let dead = [5.0; 4];
        let out = SPEC.compute_vec(&[&dead, &dead, &dead], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[0.0, 0.0][..]));
    }
}
