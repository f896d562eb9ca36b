//! Lowest value of a rolling window. O(n) for every period, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::Minimum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// MIN.
pub const SPEC: Spec = Spec {
    name: "MIN",
    group: "Math Operators",
    self_checking: true,
    doc: "Lowest of the last timeperiod values.",
    formula: "MIN[i] = min(x[i], x[i-1], ..., x[i-n+1])",
    source: "TA-Lib 0.8.2 TA_MIN (a window that holds a NaN is NaN here; TA-Lib can show an older value)",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Lowest, 1, 1>,
    stream: Some(streaming::<Lowest, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Lowest<N = f64> {
    peak: Minimum<N>,
}

impl<N: Number> Windows<N, 1, 1> for Lowest<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { peak: Minimum::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.peak.next(value).map(|peak| [peak])
    }
}

impl Blocks<1, 1> for Lowest {
    type Over<N: Number> = Lowest<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn follows_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 2.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[1.0, 2.0, 2.0][..]));
    }
}
