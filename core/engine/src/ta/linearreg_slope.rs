//! Slope of the least-squares line through a rolling window. O(n) amortised; centred sums, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::moments::{Reading, RollingLine};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// LINEARREG_SLOPE.
pub const SPEC: Spec = Spec {
    name: "LINEARREG_SLOPE",
    group: "Statistic Functions",
    self_checking: true,
    doc: "Slope of the least-squares line through the last timeperiod values.",
    formula: "slope = sum((t - mean(t)) * x) / sum((t - mean(t))^2), t = 0 .. n-1",
    source: "TA-Lib 0.8.2 TA_LINEARREG_SLOPE",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "change a bar, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Slope, 1, 1>,
    stream: Some(streaming::<Slope, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Slope<N = f64> {
    window: RollingLine<N>,
    slope: Reading<N>,
}

impl<N: Number> Windows<N, 1, 1> for Slope<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { window: RollingLine::new(period), slope: Reading::slope(period) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.window.next(value).map(|sums| [sums.slope(self.slope)])
    }
}

impl Blocks<1, 1> for Slope {
    type Over<N: Number> = Slope<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
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
