//! Negative volume index. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::flows::VolumeIndex;
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// NVI.
pub const SPEC: Spec = Spec {
    name: "NVI",
    group: "Volume Indicators",
    self_checking: false,
    doc: "Negative volume index: follows the close on bars with less volume than the bar before, and stands still on others.",
    formula: "NVI[0] = 1000; NVI[i] = NVI[i-1] * close[i] / close[i-1] where volume[i] < volume[i-1], else NVI[i-1]; after a close of 0 it stays",
    source: "TA-Lib 0.8.2 TA_NVI; N. Fosback, Stock Market Logic, 1976",
    inputs: &[Input::Close, Input::Volume],
    params: &[],
    outputs: &[Output::float("real", "an index, 1000 on the first bar")],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<NegativeVolume, 2, 1>,
    stream: Some(streaming::<NegativeVolume, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct NegativeVolume {
    index: VolumeIndex,
}

impl State<2, 1> for NegativeVolume {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { index: VolumeIndex::new() })
    }

    fn next(&mut self, bar: [f64; 2]) -> Option<[f64; 1]> {
        Some([self.index.next(bar, |volume, before| volume < before)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn moves_on_less_volume_only() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 1.5], &[5.0, 4.0, 6.0, 3.0]], &[]).unwrap_or_default();
        assert_eq!(out.concat(), [1000.0, 2000.0, 2000.0, 1000.0]);
        let dead = SPEC.compute_vec(&[&[0.0, 2.0], &[1.0, 0.5]], &[]).unwrap_or_default().concat();
        assert_eq!(dead, [1000.0, 1000.0]);
    }
}
