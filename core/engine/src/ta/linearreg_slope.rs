//! Slope of the least-squares line through a rolling window. O(n) amortised; centred sums, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::windows::RollingMoments;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// LINEARREG_SLOPE.
pub const SPEC: Spec = Spec {
    name: "LINEARREG_SLOPE",
    group: "Statistic Functions",
    doc: "Slope of the least-squares line through the last timeperiod values.",
    formula: "slope = sum((t - mean(t)) * x) / sum((t - mean(t))^2), t = 0 .. n-1",
    source: "TA-Lib 0.8.2 TA_LINEARREG_SLOPE",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "change a bar, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Slope, 1, 1>,
    stream: Some(streaming::<Slope, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Slope {
    window: RollingMoments,
    count: f64,
}

impl State<1, 1> for Slope {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { window: RollingMoments::new(period), count: float(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.window.next(value).map(|moments| [moments.slope(self.count)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_slope_of_a_line() {
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 5.0, 4.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert!(out.iter().skip(2).zip([2.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-15), "{out:?}");
    }
}
