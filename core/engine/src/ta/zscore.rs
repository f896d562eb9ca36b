//! Z-score of a rolling window. O(n) amortised.

use serde::{Deserialize, Serialize};

use super::kit::moments::RollingMoments;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, is_noise, streaming};

/// ZSCORE.
pub const SPEC: Spec = Spec {
    name: "ZSCORE",
    group: "Statistic Functions",
    self_checking: false,
    doc: "Distance of the value from the mean of its window, in standard deviations; 0 where nothing moved. Population deviation (divides by n), as TA-Lib's STDDEV and TradingView's ta.stdev; pandas divides by n-1.",
    formula: "Z = (x - mean(x,n)) / sqrt(mean((x - mean(x,n))^2, n)), 0 if the distance or the deviation is rounding noise",
    source: "textbook standard score; Karl Pearson, 1894 (standard deviation)",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 20.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "deviations; within +-sqrt(n-1)")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Score, 1, 1>,
    stream: Some(streaming::<Score, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Score {
    window: RollingMoments,
    /// 1 / the window's length.
    share: f64,
}

impl State<1, 1> for Score {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { window: RollingMoments::new(period), share: 1.0 / float(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let moments = self.window.next(value)?;
        let mean = moments.mean(self.share);
        let deviation = moments.variance(self.share).sqrt();
        let distance = value - mean;
        let still = |length: f64| length == 0.0 || is_noise(length, mean.abs());
        let unmoved = still(distance.abs()) || still(deviation);
        Some([if unmoved { 0.0 } else { distance / deviation }])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_distance_in_deviations() {
        let out = SPEC.compute_vec(&[&[1.0, 1.0, 3.0, 3.0, 3.0, 3.0]], &[4.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        // mean 2, deviation 1; mean 2.5, deviation sqrt(0.75); nothing moves
        assert_eq!(out.get(3), Some(&1.0));
        assert!(out.get(4).is_some_and(|value| (value - 0.5 / 0.75_f64.sqrt()).abs() < 1e-14));
        assert_eq!(out.get(5), Some(&0.0));
    }
}
