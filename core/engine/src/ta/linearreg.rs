//! End of the least-squares line through a rolling window. O(n) amortised; centred sums, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::moments::{Reading, RollingLine};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, float, streaming};

/// LINEARREG.
pub const SPEC: Spec = Spec {
    name: "LINEARREG",
    group: "Statistic Functions",
    self_checking: true,
    doc: "Least-squares line through the last timeperiod values, at the newest bar.",
    formula: "intercept + slope * (n - 1)",
    source: "TA-Lib 0.8.2 TA_LINEARREG",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<LineEnd, 1, 1>,
    stream: Some(streaming::<LineEnd, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct LineEnd<N = f64> {
    window: RollingLine<N>,
    height: Reading<N>,
}

impl<N: Number> Windows<N, 1, 1> for LineEnd<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { window: RollingLine::new(period), height: Reading::height(period, float(period) - 1.0) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.window.next(value).map(|sums| [sums.height(self.height)])
    }
}

impl Blocks<1, 1> for LineEnd {
    type Over<N: Number> = LineEnd<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn lies_on_the_line() {
        // Through 1 3 5: 1 + 2 t. Through 3 5 4: 3.5 + 0.5 t.
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 5.0, 4.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert!(out.iter().skip(2).zip([5.0, 4.5]).all(|(a, b)| (a - b).abs() < 1e-13), "{out:?}");
    }
}
