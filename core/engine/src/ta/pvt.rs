//! Price volume trend. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// PVT.
pub const SPEC: Spec = Spec {
    name: "PVT",
    group: "Volume Indicators",
    self_checking: false,
    doc: "Price volume trend: the running total of volume times return.",
    formula: "PVT[0] = 0; PVT[i] = PVT[i-1] + volume * (close[i] - close[i-1]) / close[i-1], nothing added after a close of 0",
    source: "TA-Lib 0.8.2 TA_PVT",
    inputs: &[Input::Close, Input::Volume],
    params: &[],
    outputs: &[Output::float("real", "running volume; only its changes mean something")],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<Trend, 2, 1>,
    stream: Some(streaming::<Trend, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Trend {
    previous: Option<f64>,
    total: f64,
}

impl State<2, 1> for Trend {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None, total: 0.0 })
    }

    fn next(&mut self, [close, volume]: [f64; 2]) -> Option<[f64; 1]> {
        if let Some(previous) = self.previous.replace(close) {
            self.total += volume * ratio_or_zero(close - previous, previous);
        }
        Some([self.total])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn adds_volume_times_return() {
        let out = SPEC.compute_vec(&[&[2.0, 3.0, 0.0, 5.0], &[9.0, 4.0, 1.0, 7.0]], &[]).unwrap_or_default();
        assert_eq!(out.concat(), [0.0, 2.0, 1.0, 1.0]);
    }
}
