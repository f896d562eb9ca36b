//! Sum of a rolling window. O(n) amortised, no drift: see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// SUM.
pub const SPEC: Spec = Spec {
    name: "SUM",
    group: "Math Operators",
    self_checking: true,
    doc: "Sum of the last timeperiod values.",
    formula: "SUM[i] = x[i] + x[i-1] + ... + x[i-n+1]",
    source: "TA-Lib 0.8.2 TA_SUM",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Total, 1, 1>,
    stream: Some(streaming::<Total, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Total<N = f64> {
    sum: Sum<N>,
}

impl<N: Number> Windows<N, 1, 1> for Total<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { sum: Sum::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.sum.next(value).map(|sum| [sum])
    }
}

impl Blocks<1, 1> for Total {
    type Over<N: Number> = Total<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn forgets_what_has_left_the_window() {
        let out = SPEC.compute_vec(&[&[1e16, 1.0, 2.0, 4.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[3.0, 6.0][..]));
    }
}
