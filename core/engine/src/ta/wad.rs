//! Williams' accumulation / distribution. O(n), one pass, cumulative.

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// WAD.
pub const SPEC: Spec = Spec {
    name: "WAD",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Williams' accumulation/distribution: rising closes' way from the true low, falling ones' from the true high, added up.",
    formula: "total of: close - min(low, C) if close > C; close - max(high, C) if close < C; else 0, C the close before; begins with 0",
    source: "TA-Lib 0.8.2 TA_WAD; L. Williams",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &[Output::float("real", "in the prices' unit; its direction counts, not its level")],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<Accumulation, 3, 1>,
    stream: Some(streaming::<Accumulation, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Accumulation {
    close: Option<f64>,
    total: f64,
}

impl State<3, 1> for Accumulation {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { close: None, total: 0.0 })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 1]> {
        if let Some(previous) = self.close.replace(close) {
            if close > previous {
                self.total += close - if previous < low { previous } else { low };
            } else if close < previous {
                self.total += close - if previous > high { previous } else { high };
            }
        }
        Some([self.total])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn adds_the_distance_from_the_true_low_or_high() {
        let (high, low, close) = ([4.0, 5.0, 6.0, 3.0], [1.0, 4.0, 2.0, 1.0], [2.0, 5.0, 5.0, 2.0]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[]).unwrap_or_default().concat();
        // 5 - 2, nothing, 2 - 5
        assert_eq!(out, [0.0, 3.0, 3.0, 0.0]);
    }
}
