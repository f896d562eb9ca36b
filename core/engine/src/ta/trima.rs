//! Triangular moving average. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Trima};
use super::kit::lanes::{Blocks, Windows, common_multiple, windowed};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// TRIMA.
pub const SPEC: Spec = Spec {
    name: "TRIMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Triangular moving average: weights rise to the middle of the window and fall again.",
    formula: "odd n: SMA(SMA(x, (n+1)/2), (n+1)/2); even n: SMA(SMA(x, n/2 + 1), n/2)",
    source: "TA-Lib 0.8.2 TA_TRIMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window; 1 is the input itself")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(Average::Trima.lookback(params.int(0)?)),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<TriangularAverage, 1, 1>,
    stream: Some(streaming::<TriangularAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct TriangularAverage<N = f64> {
    average: Trima<N>,
}

impl<N: Number> Windows<N, 1, 1> for TriangularAverage<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Trima::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

impl Blocks<1, 1> for TriangularAverage {
    type Over<N: Number> = TriangularAverage<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        let [inner, outer] = Trima::<f64>::periods(params.int(0)?);
        Ok(common_multiple(inner, outer))
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_middle_most() {
        let out = SPEC.compute_vec(&[&[0.0, 0.0, 8.0, 0.0, 0.0]], &[3.0]).unwrap_or_default().concat();
        // Weights 1, 2, 1 of 4.
        assert_eq!(out.get(2..), Some(&[2.0, 4.0, 2.0][..]));
        let out = SPEC.compute_vec(&[&[0.0, 6.0, 0.0, 0.0, 0.0]], &[4.0]).unwrap_or_default().concat();
        // Weights 1, 2, 2, 1 of 6.
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        assert_eq!(out.get(3..), Some(&[2.0, 1.0][..]));
    }
}
