//! Percentile of a rolling window by nearest rank. O(log timeperiod) to find a place, O(timeperiod) to make room.

use serde::{Deserialize, Serialize};

use super::kit::sorted::Sorted;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// PERCENTILE.
pub const SPEC: Spec = Spec {
    name: "PERCENTILE",
    group: "Statistic Functions",
    self_checking: false,
    doc: "The smallest of the last timeperiod values that percentile percent of them do not exceed (nearest rank).",
    formula: "the value of rank ceil(percentile * n / 100), at least 1, among the n values sorted",
    source: "TA-Lib 0.8.2 TA_PERCENTILE",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 30.0, 2.0, "bars in the window"),
        Param::between("percentile", 50.0, 0.0, 100.0, "0 for the lowest, 50 for the median, 100 for the highest"),
    ],
    outputs: &[Output::float("real", "one of the window's values")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Percentile, 1, 1>,
    stream: Some(streaming::<Percentile, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Percentile {
    window: Sorted,
    smaller: usize,
}

impl State<1, 1> for Percentile {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=timeperiod")]
    fn new(params: &Params) -> Result<Self, TaError> {
        let (period, percentile) = (params.int(0)?, params.real(1)?);
        // Multiply first: percentile / 100 is not exact and could land just above a whole rank.
        let rank = (percentile * float(period) / 100.0).ceil() as usize;
        Ok(Self { window: Sorted::new(period), smaller: rank.clamp(1, period) - 1 })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.window.push(value);
        if !self.window.is_full() {
            return None;
        }
        self.window.at(self.smaller).map(|value| [value])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn takes_the_nearest_rank() {
        let last = |percentile: f64| {
            let out = SPEC.compute_vec(&[&[9.0, 5.0, 1.0, 4.0, 2.0]], &[4.0, percentile]).unwrap_or_default().concat();
            out.last().copied()
        };
        assert_eq!([0.0, 25.0, 25.1, 50.0, 100.0].map(last), [1.0, 1.0, 2.0, 2.0, 5.0].map(Some));
    }
}
