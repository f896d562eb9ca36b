//! Simple moving average. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// SMA.
pub const SPEC: Spec = Spec {
    name: "SMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Simple moving average: the mean of the last timeperiod values.",
    formula: "SMA[i] = (x[i] + x[i-1] + ... + x[i-n+1]) / n",
    source: "TA-Lib 0.8.2 TA_SMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<SimpleAverage, 1, 1>,
    stream: Some(streaming::<SimpleAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct SimpleAverage<N = f64> {
    average: Sma<N>,
}

impl<N: Number> Windows<N, 1, 1> for SimpleAverage<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Sma::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

impl Blocks<1, 1> for SimpleAverage {
    type Over<N: Number> = SimpleAverage<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn averages_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 4.0, 8.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert_eq!(out.get(2..), Some(&[2.0, 3.0, 5.0][..]));
    }
}
