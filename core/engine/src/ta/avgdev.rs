//! Mean distance from the mean in a rolling window. O(n * timeperiod), as TA-Lib: it has no running form.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// AVGDEV.
pub const SPEC: Spec = Spec {
    name: "AVGDEV",
    group: "Price Transform",
    self_checking: false,
    doc: "Average deviation: the mean distance of the last timeperiod values from their mean.",
    formula: "sum(|x - mean(x)|) / n",
    source: "TA-Lib 0.8.2 TA_AVGDEV",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "a distance, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<MeanDistance, 1, 1>,
    stream: Some(streaming::<MeanDistance, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct MeanDistance {
    window: Ring,
    count: f64,
}

impl State<1, 1> for MeanDistance {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { window: Ring::new(period), count: float(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.window.push(value);
        if !self.window.is_full() {
            return None;
        }
        // Everything against the newest value: a high level costs no digits.
        let mean = self.window.iter().map(|other| other - value).sum::<f64>() / self.count;
        Some([self.window.iter().map(|other| (other - value - mean).abs()).sum::<f64>() / self.count])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_mean_distance_from_the_mean() {
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 8.0, 4.0]], &[3.0]).unwrap_or_default().concat();
        // mean 4: 3 + 1 + 4; mean 5: 2 + 3 + 1
        let expected = [8.0 / 3.0, 2.0];
        assert!(out.iter().skip(2).zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{out:?}");
    }
}
