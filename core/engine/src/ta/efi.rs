//! Elder's force index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// EFI.
pub const SPEC: Spec = Spec {
    name: "EFI",
    group: "Volume Indicators",
    self_checking: false,
    doc: "Elder's force index: the smoothed product of price change and volume.",
    formula: "EMA(volume * (close - close[-1]), timeperiod)",
    source: "TA-Lib 0.8.2 TA_EFI; A. Elder, Trading for a Living, 1993",
    inputs: &[Input::Close, Input::Volume],
    params: &[Param::period("timeperiod", 13.0, 1.0, "bars of the EMA; 1 is the product itself")],
    outputs: &[Output::float("real", "price times volume; above 0 the buyers push")],
    lookback: |params| params.int(0),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Force, 2, 1>,
    stream: Some(streaming::<Force, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Force {
    previous: Option<f64>,
    average: Ema,
}

impl State<2, 1> for Force {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None, average: Ema::new(params.int(0)?, params.seed()) })
    }

    fn next(&mut self, [close, volume]: [f64; 2]) -> Option<[f64; 1]> {
        let previous = self.previous.replace(close)?;
        self.average.next(volume * (close - previous)).map(|force| [force])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn smooths_change_times_volume() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 4.0, 3.0], &[9.0, 2.0, 3.0, 2.0]], &[2.0]).unwrap_or_default();
        // forces 2, 6, -2: mean 4, then 4 + 2/3 * -6
        let expected = [4.0, 0.0];
        assert!(out.concat().iter().skip(2).zip(expected).all(|(a, b)| (a - b).abs() < 1e-14), "{out:?}");
    }
}
