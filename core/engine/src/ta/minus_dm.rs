//! Directional movement, downward side. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::momentum::{WilderSum, lookback_of_wilder_sum};
use super::kit::ranges::Movement;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// MINUS_DM.
pub const SPEC: Spec = Spec {
    name: "MINUS_DM",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Directional movement down: Wilder's running sum of the fall of the low where it is the larger move.",
    formula: "W(-DM); -DM: fall of the low where it is > 0 and larger than the rise of the high, else 0; W: sum of n-1, then W - W/n + -DM",
    source: "TA-Lib 0.8.2 TA_MINUS_DM (with timeperiod 1 the plain -DM); Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "in the prices' unit, a sum over about timeperiod bars")],
    lookback: |params| params.int(0).map(lookback_of_wilder_sum),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<MinusMovement, 2, 1>,
    stream: Some(streaming::<MinusMovement, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct MinusMovement {
    previous: Option<[f64; 3]>,
    sum: WilderSum,
}

impl State<2, 1> for MinusMovement {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None, sum: WilderSum::new(params.int(0)?) })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        // The close matters to the range only.
        let bar = [high, low, low];
        let movement = Movement::between(self.previous.replace(bar)?, bar);
        self.sum.next(movement.minus).map(|sum| [sum])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_a_running_sum_of_the_larger_move() {
        let (high, low) = ([6.0, 5.0, 5.0, 6.0], [4.0, 1.0, 1.0, 0.0]);
        let out = SPEC.compute_vec(&[&high, &low], &[3.0]).unwrap_or_default().concat();
        // 3, 0, 0 (both sides moved alike): the sum of two, then a third less
        assert_eq!(out.get(2..), Some(&[3.0, 2.0][..]));
        let out = SPEC.compute_vec(&[&high, &low], &[1.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[3.0, 0.0, 0.0][..]));
    }
}
