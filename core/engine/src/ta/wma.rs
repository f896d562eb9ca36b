//! Weighted moving average. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::Wma;
use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// WMA.
pub const SPEC: Spec = Spec {
    name: "WMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Linearly weighted moving average: the newest value weighs timeperiod, the oldest 1.",
    formula: "WMA[i] = (n*x[i] + (n-1)*x[i-1] + ... + 1*x[i-n+1]) / (n(n+1)/2)",
    source: "TA-Lib 0.8.2 TA_WMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<WeightedAverage, 1, 1>,
    stream: Some(streaming::<WeightedAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct WeightedAverage<N = f64> {
    average: Wma<N>,
}

impl<N: Number> Windows<N, 1, 1> for WeightedAverage<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Wma::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

impl Blocks<1, 1> for WeightedAverage {
    type Over<N: Number> = WeightedAverage<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_newest_most() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 9.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // (1*1 + 2*2 + 3*3) / 6 and (1*2 + 2*3 + 3*9) / 6
        let expected = [14.0 / 6.0, 35.0 / 6.0];
        assert!(out.iter().skip(2).zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-15));
    }
}
