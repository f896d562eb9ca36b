//! Percent rank in a rolling window. O(log timeperiod) to find a place, O(timeperiod) to make room.

use serde::{Deserialize, Serialize};

use super::kit::sorted::Sorted;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// PERCENTRANK.
pub const SPEC: Spec = Spec {
    name: "PERCENTRANK",
    group: "Statistic Functions",
    self_checking: false,
    doc: "Share of the timeperiod values before this one that are smaller.",
    formula: "100 * count(x[k] < x[i], k = i-n .. i-1) / n",
    source: "TA-Lib 0.8.2 TA_PERCENTRANK",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 100.0, 2.0, "bars before this one")],
    outputs: &[Output::float("real", "0..100; 100 is above all of them")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<PercentRank, 1, 1>,
    stream: Some(streaming::<PercentRank, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct PercentRank {
    before: Sorted,
    count: f64,
}

impl State<1, 1> for PercentRank {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { before: Sorted::new(period), count: float(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let share = self.before.is_full().then(|| float(self.before.below(value)) / self.count * 100.0);
        self.before.push(value);
        share.map(|share| [share])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn equals_are_not_smaller() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 2.0, 3.0, 1.0, 2.0, 2.0]], &[4.0]).unwrap_or_default().concat();
        assert_eq!(out.get(4..), Some(&[0.0, 25.0, 25.0][..]));
    }
}
