//! Directional movement, upward side. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::momentum::{WilderSum, lookback_of_wilder_sum};
use super::kit::ranges::Movement;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// PLUS_DM.
pub const SPEC: Spec = Spec {
    name: "PLUS_DM",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Directional movement up: Wilder's running sum of the rise of the high where it is the larger move.",
    formula: "W(+DM); +DM: rise of the high where it is > 0 and larger than the fall of the low, else 0; W: sum of n-1, then W - W/n + +DM",
    source: "TA-Lib 0.8.2 TA_PLUS_DM (with timeperiod 1 the plain +DM); Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "in the prices' unit, a sum over about timeperiod bars")],
    lookback: |params| params.int(0).map(lookback_of_wilder_sum),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<PlusMovement, 2, 1>,
    stream: Some(streaming::<PlusMovement, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct PlusMovement {
    previous: Option<[f64; 3]>,
    sum: WilderSum,
}

impl State<2, 1> for PlusMovement {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None, sum: WilderSum::new(params.int(0)?) })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        // The close matters to the range only.
        let bar = [high, low, low];
        let movement = Movement::between(self.previous.replace(bar)?, bar);
        self.sum.next(movement.plus).map(|sum| [sum])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_a_running_sum_of_the_larger_move() {
        let (high, low) = ([2.0, 5.0, 5.0, 6.0], [0.0, 1.0, 0.0, 1.0]);
        let out = SPEC.compute_vec(&[&high, &low], &[3.0]).unwrap_or_default().concat();
        // 3, 0, 1: their sum of two, then a third less and one more
        assert_eq!(out.get(2..), Some(&[3.0, 3.0][..]));
        let out = SPEC.compute_vec(&[&high, &low], &[1.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[3.0, 0.0, 1.0][..]));
    }
}
