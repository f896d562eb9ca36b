//! True strength index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::momentum::SmoothedTwice;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// TSI.
pub const SPEC: Spec = Spec {
    name: "TSI",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "True strength index: change in movement, both smoothed twice; 0 when nothing moved.",
    formula: "TSI = 100 * E(m) / E(|m|), m[i] = x[i] - x[i-1], E = EMA(EMA(., first), second), 0 if E(|m|) = 0",
    source: "TA-Lib 0.8.2 TA_TSI; W. Blau, Stocks & Commodities, November 1991",
    inputs: &[Input::Real],
    params: &[
        Param::period("firstperiod", 25.0, 2.0, "bars of the first EMA"),
        Param::period("secondperiod", 13.0, 2.0, "bars of the second EMA"),
    ],
    outputs: &[Output::float("real", "-100..100; above 0 rises prevail")],
    lookback: |params| Ok(params.int(0)? + params.int(1)? - 1),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<TrueStrength, 1, 1>,
    stream: Some(streaming::<TrueStrength, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct TrueStrength {
    previous: Option<f64>,
    change: SmoothedTwice,
    movement: SmoothedTwice,
}

impl State<1, 1> for TrueStrength {
    fn new(params: &Params) -> Result<Self, TaError> {
        let smoothed = SmoothedTwice::new(params.int(0)?, params.int(1)?, params.seed());
        Ok(Self { previous: None, change: smoothed.clone(), movement: smoothed })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let change = value - self.previous.replace(value)?;
        let (change, movement) = self.change.next(change).zip(self.movement.next(change.abs()))?;
        Some([if movement > 0.0 { 100.0 * change / movement } else { 0.0 }])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_smoothed_change_over_smoothed_movement() {
        let out = SPEC.compute_vec(&[&[0.0, 3.0, 2.0, 3.0, 3.0]], &[2.0, 2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        // change 3 -1 1 0: first EMA 1 1 1/3, second 1 5/9; movement 3 1 1 0: first 2 4/3 4/9, second 5/3 23/27
        let expected = [60.0, 100.0 * (5.0 / 9.0) / (23.0 / 27.0)];
        assert!(out.iter().skip(3).zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{out:?}");
    }
}
