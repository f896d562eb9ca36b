//! Highest value of a rolling window. O(n) for every period, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::Maximum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// MAX.
pub const SPEC: Spec = Spec {
    name: "MAX",
    group: "Math Operators",
    self_checking: true,
    doc: "Highest of the last timeperiod values.",
    formula: "MAX[i] = max(x[i], x[i-1], ..., x[i-n+1])",
    source: "TA-Lib 0.8.2 TA_MAX (a window that holds a NaN is NaN here; TA-Lib can show an older value)",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Highest, 1, 1>,
    stream: Some(streaming::<Highest, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Highest<N = f64> {
    peak: Maximum<N>,
}

impl<N: Number> Windows<N, 1, 1> for Highest<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { peak: Maximum::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.peak.next(value).map(|peak| [peak])
    }
}

impl Blocks<1, 1> for Highest {
    type Over<N: Number> = Highest<N>;

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
        assert_eq!(out.get(1..), Some(&[4.0, 4.0, 3.0][..]));
    }
}
