//! Average day range. O(n) amortised.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// ADR.
pub const SPEC: Spec = Spec {
    name: "ADR",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "Average day range: the mean of high minus low over the last timeperiod bars; gaps between bars do not count.",
    formula: "mean(high - low)",
    source: "TA-Lib 0.8.2 TA_ADR",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars in the window")],
    outputs: &[Output::float("real", "range, in the price's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<DayRange, 2, 1>,
    stream: Some(streaming::<DayRange, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct DayRange {
    mean: Sma,
}

impl State<2, 1> for DayRange {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { mean: Sma::new(params.int(0)?) })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        self.mean.next(high - low).map(|mean| [mean])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_mean_range() {
        let out = SPEC.compute_vec(&[&[3.0, 9.0, 9.0], &[1.0, 5.0, 9.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[3.0, 2.0][..]));
    }
}
