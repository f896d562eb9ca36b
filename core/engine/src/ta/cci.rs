//! Commodity channel index. O(n * timeperiod), as TA-Lib: a mean deviation has no running form.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::ring::Ring;
use super::kit::simd::Number;
use super::kit::{Input, Memory, NOISE, Output, Param, Params, Spec, TaError, float, streaming};

/// CCI.
pub const SPEC: Spec = Spec {
    name: "CCI",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Commodity channel index: distance of the typical price from its mean, in mean deviations.",
    formula: "TP = (high+low+close)/3; CCI = (TP - mean(TP)) / (0.015 * mean(|TP - mean(TP)|)), 0 if either distance is rounding noise",
    source: "TA-Lib 0.8.2 TA_CCI; D. Lambert, Commodities magazine, 1980",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "unbounded; beyond +-100 is commonly called unusual")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<ChannelIndex, 3, 1>,
    stream: Some(streaming::<ChannelIndex, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct ChannelIndex<N = f64> {
    window: Ring<N>,
    /// 1 / the window's length.
    share: N,
}

impl<N: Number> Windows<N, 3, 1> for ChannelIndex<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { window: Ring::new(period), share: N::splat(1.0 / float(period)) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low, close]: [N; 3]) -> Option<[N; 1]> {
        // Three times the typical price: a distance in deviations does not see the factor.
        let typical = high + low + close;
        self.window.push(typical);
        if !self.window.is_full() {
            return None;
        }
        let (zero, share) = (N::splat(0.0), self.share);
        // Two sums at a time: one alone would wait for itself at every value.
        let (twos, odd) = self.window.unordered().as_chunks::<2>();
        let (mut total, mut other) = (zero, zero);
        for [one, two] in twos {
            total += *one;
            other += *two;
        }
        for value in odd {
            total += *value;
        }
        let mean = (total + other) * share;
        let (mut away, mut other) = (zero, zero);
        for [one, two] in twos {
            away += (*one - mean).magnitude();
            other += (*two - mean).magnitude();
        }
        for value in odd {
            away += (*value - mean).magnitude();
        }
        let away = away + other;
        let (deviation, distance) = (away * share, typical - mean);
        let index = distance / (N::splat(0.015) * deviation);
        let noise = N::splat(NOISE) * mean.magnitude();
        let moved = N::if_above(noise, distance.magnitude(), zero, N::if_above(noise, deviation, zero, index));
        Some([N::if_equal(distance, zero, zero, N::if_equal(deviation, zero, zero, moved))])
    }
}

impl Blocks<3, 1> for ChannelIndex {
    type Over<N: Number> = ChannelIndex<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_distance_in_mean_deviations() {
        let price = [1.0, 1.0, 4.0, 4.0, 4.0];
        let out = SPEC.compute_vec(&[&price, &price, &price], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // mean 2, deviations 1 1 2: 2 / (0.015 * 4/3) = 100; mean 3: 1 / (0.015 * 4/3) = 50; nothing moved: 0
        let expected = [100.0, 50.0, 0.0];
        assert!(out.iter().skip(2).zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{out:?}");
    }
}
