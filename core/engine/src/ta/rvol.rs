//! Relative volume. O(n) amortised, no drift: see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// RVOL.
pub const SPEC: Spec = Spec {
    name: "RVOL",
    group: "Volume Indicators",
    self_checking: false,
    doc: "Relative volume: a bar's volume against the mean of the timeperiod bars before it.",
    formula: "volume[i] / mean(volume[i-n .. i-1])",
    source: "TA-Lib 0.8.2 TA_RVOL",
    inputs: &[Input::Volume],
    params: &[Param::period("timeperiod", 20.0, 1.0, "bars before this one")],
    outputs: &[Output::float("real", "1 is as usual, 2 twice as much; infinite or NaN after bars without volume")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<RelativeVolume, 1, 1>,
    stream: Some(streaming::<RelativeVolume, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct RelativeVolume {
    average: Sma,
    usual: Option<f64>,
}

impl State<1, 1> for RelativeVolume {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Sma::new(params.int(0)?), usual: None })
    }

    fn next(&mut self, [volume]: [f64; 1]) -> Option<[f64; 1]> {
        let usual = std::mem::replace(&mut self.usual, self.average.next(volume))?;
        Some([volume / usual])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn does_not_count_the_bar_itself() {
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 4.0, 0.0, 0.0, 5.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[2.0, 0.0, 0.0, f64::INFINITY][..]));
    }
}
