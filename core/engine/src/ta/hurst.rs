//! Hurst exponent by rescaled range. O(n * timeperiod): the ranges have no running form.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, is_noise, streaming};

/// Changes in the shortest part that is looked at: ranges of fewer say little.
const SHORTEST: usize = 8;

/// HURST.
pub const SPEC: Spec = Spec {
    name: "HURST",
    group: "Statistic Functions",
    self_checking: false,
    doc: "Hurst exponent of the last timeperiod changes, by rescaled range: above 0.5 changes persist, below they revert. BIASED upwards in short windows: independent normal changes give on average 0.59, 0.58, 0.57, 0.56, 0.56 (deviation 0.16, 0.11, 0.08, 0.06, 0.05) for 32, 64, 128, 256, 512 changes, not 0.5; compare with that. Of plain changes, so give log prices for log returns. NaN where too little moves.",
    formula: "parts of m = n, n/2, n/4, .. >= 8 changes, the newest last; R = range of the sums of a part's changes minus their mean (0 included), S = their population deviation; HURST = slope of ln(mean R/S) on ln m",
    source: "H. E. Hurst, Long-term storage capacity of reservoirs, Transactions ASCE 116, 1951; B. Mandelbrot and J. Wallis, Water Resources Research 5, 1969; bias: Anis and Lloyd, Biometrika 63, 1976",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 128.0, 16.0, "changes in the window; halves evenly when a power of 2")],
    outputs: &[Output::float("real", "about 0..1; see the bias before reading it as persistence")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Hurst, 1, 1>,
    stream: Some(streaming::<Hurst, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Hurst {
    /// The values whose changes count, one more than those.
    window: Ring,
}

impl State<1, 1> for Hurst {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { window: Ring::new(params.int(0)? + 1) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.window.push(value);
        if !self.window.is_full() {
            return None;
        }
        let values: Vec<f64> = self.window.iter().collect();
        Some([exponent(&values)])
    }
}

/// The slope of ln(R/S) on ln(length); NaN with fewer than two lengths that moved.
fn exponent(values: &[f64]) -> f64 {
    let mut points = Vec::new();
    let mut length = values.len() - 1;
    while length >= SHORTEST {
        if let Some(ratio) = mean_ratio(values, length) {
            points.push((float(length).ln(), ratio.ln()));
        }
        length /= 2;
    }
    let count = float(points.len());
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / count;
    let (centre, level) = (mean(|point| point.0), mean(|point| point.1));
    let lean: f64 = points.iter().map(|(x, y)| (x - centre) * (y - level)).sum();
    let width: f64 = points.iter().map(|(x, _)| (x - centre) * (x - centre)).sum();
    if points.len() >= 2 { lean / width } else { f64::NAN }
}

/// Mean rescaled range of the parts of `length` changes, counted back from the newest.
fn mean_ratio(values: &[f64], length: usize) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for part in 0..(values.len() - 1) / length {
        // Neighbouring parts share a value, not a change.
        let end = values.len() - part * length;
        if let Some(ratio) = values.get(end - length - 1..end).and_then(rescaled_range) {
            sum += ratio;
            count += 1.0;
        }
    }
    (count > 0.0 && sum > 0.0).then(|| sum / count)
}

/// R/S of one part; none where its changes do not differ.
fn rescaled_range(part: &[f64]) -> Option<f64> {
    let (first, last) = (part.first()?, part.last()?);
    let count = float(part.len() - 1);
    let mean = (last - first) / count;
    let changes = || part.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?));
    let spread = (changes().map(|change| (change - mean) * (change - mean)).sum::<f64>() / count).sqrt();
    let level = part.iter().fold(0.0_f64, |level, value| level.max(value.abs()));
    if spread == 0.0 || is_noise(spread, level) {
        return None;
    }
    // The sum of the first k changes minus their mean: how far the value is off the straight way.
    let (mut highest, mut lowest) = (0.0_f64, 0.0_f64);
    for (steps, value) in part.iter().enumerate() {
        let off = (value - first) - mean * float(steps);
        highest = highest.max(off);
        lowest = lowest.min(off);
    }
    Some((highest - lowest) / spread)
}

#[cfg(test)]
mod tests {
    use super::{SPEC, rescaled_range};

    #[test]
    fn rescales_the_range_by_the_deviation() {
        // changes 1, 1, -1, -1: sums 1, 2, 1, 0; deviation 1
        assert_eq!(rescaled_range(&[0.0, 1.0, 2.0, 1.0, 0.0]), Some(2.0));
        assert_eq!(rescaled_range(&[0.0, 1.0, 2.0, 3.0, 4.0]), None);
    }

    #[test]
    fn to_and_fro_reverts_and_standstill_says_nothing() {
        // +1 -1 for ever: R = 1, S = 1 in every part, whatever its length: slope 0.
        let real: Vec<f64> = (0..40).map(|bar| f64::from(bar % 2)).collect();
        let out = SPEC.compute_vec(&[&real], &[32.0]).unwrap_or_default().concat();
        assert!(out.iter().take(32).all(|value| value.is_nan()));
        assert!(out.iter().skip(32).all(|value| value.abs() < 1e-12), "{out:?}");
        let still = SPEC.compute_vec(&[&[0.1; 40]], &[32.0]).unwrap_or_default().concat();
        assert!(still.iter().all(|value| value.is_nan()));
    }
}
