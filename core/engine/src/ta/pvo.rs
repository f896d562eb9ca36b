//! Percentage volume oscillator. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ma;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// PVO.
pub const SPEC: Spec = Spec {
    name: "PVO",
    group: "Volume Indicators",
    self_checking: false,
    doc: "Percentage volume oscillator: how far a short average of volume is above a long one.",
    formula: "100 * (MA(volume, fast) - MA(volume, slow)) / MA(volume, slow), 0 if that is 0",
    source: "TA-Lib 0.8.2 TA_PVO (a fast period longer than the slow one is swapped with it)",
    inputs: &[Input::Volume],
    params: &[
        Param::period("fastperiod", 12.0, 2.0, "bars of the short average"),
        Param::period("slowperiod", 26.0, 2.0, "bars of the long average"),
        Param::average("matype", "kind of both averages").or(1.0),
    ],
    outputs: &[Output::float("real", "percent; above 0 volume picks up")],
    lookback: |params| {
        let (_, slow) = periods(params)?;
        Ok(params.average(2)?.lookback(slow))
    },
    memory: Memory::History,
    seeded: true,
    kernel: batch::<VolumeOscillator, 1, 1>,
    stream: Some(streaming::<VolumeOscillator, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct VolumeOscillator {
    fast: Ma,
    slow: Ma,
}

impl State<1, 1> for VolumeOscillator {
    fn new(params: &Params) -> Result<Self, TaError> {
        let ((fast, slow), kind, seed) = (periods(params)?, params.average(2)?, params.seed());
        Ok(Self { fast: Ma::new(kind, fast, seed)?, slow: Ma::new(kind, slow, seed)? })
    }

    fn next(&mut self, [volume]: [f64; 1]) -> Option<[f64; 1]> {
        let (fast, slow) = (self.fast.next(volume), self.slow.next(volume));
        fast.zip(slow).map(|(fast, slow)| [100.0 * ratio_or_zero(fast - slow, slow)])
    }
}

/// Fast and slow period, the shorter one fast.
fn periods(params: &Params) -> Result<(usize, usize), TaError> {
    let (fast, slow) = (params.int(0)?, params.int(1)?);
    Ok((fast.min(slow), fast.max(slow)))
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_distance_in_percent_of_the_slow_average() {
        let volume = [1.0, 2.0, 6.0, 0.0, 0.0, 0.0];
        let out = SPEC.compute_vec(&[&volume], &[2.0, 3.0, 0.0]).unwrap_or_default().concat();
        // means of two 4, 3, 0, 0; of three 3, 8/3, 2, 0
        let expected = [100.0 / 3.0, 12.5, -100.0, 0.0];
        assert!(out.iter().skip(2).zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{out:?}");
        let swapped = SPEC.compute_vec(&[&volume], &[3.0, 2.0, 0.0]).unwrap_or_default().concat();
        assert_eq!(swapped.get(2..), out.get(2..));
    }
}
