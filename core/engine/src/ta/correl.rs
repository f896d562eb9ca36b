//! Correlation of two series in a rolling window. O(n) amortised; centred sums, see `kit::pairs`.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::pairs::RollingPairs;
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// CORREL.
pub const SPEC: Spec = Spec {
    name: "CORREL",
    group: "Statistic Functions",
    self_checking: true,
    doc: "Pearson's correlation of the last timeperiod values of two series.",
    formula: "sum((x - mean(x)) * (y - mean(y))) / sqrt(sum((x - mean(x))^2) * sum((y - mean(y))^2)), 0 if either stands still",
    source: "TA-Lib 0.8.2 TA_CORREL",
    inputs: &[Input::Real0, Input::Real1],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window")],
    outputs: &[Output::float("real", "-1..1; 0 for no linear relation, and where a series stands still")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Correlation, 2, 1>,
    stream: Some(streaming::<Correlation, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Correlation<N = f64> {
    window: RollingPairs<N>,
}

impl<N: Number> Windows<N, 2, 1> for Correlation<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { window: RollingPairs::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, pair: [N; 2]) -> Option<[N; 1]> {
        let (spreads, one) = (self.window.next(pair)?, N::splat(1.0));
        // One root of the product is the quicker way; where that leaves the range of floats, two.
        let product = spreads.left * spreads.right;
        let mut scale = product.root();
        if !product.all_moderate() {
            scale = N::if_moderate(product, scale, spreads.left.root() * spreads.right.root());
        }
        Some([spreads.both.over_or_zero(scale).smaller(one).larger(N::splat(-1.0))])
    }
}

impl Blocks<2, 1> for Correlation {
    type Over<N: Number> = Correlation<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;
    use crate::ta::{Live, Seed, TaError};

    #[test]
    fn is_one_on_a_line_and_nothing_where_a_series_stands_still() {
        let (left, right) = ([1.0, 2.0, 4.0, 5.0, 5.0, 5.0], [2.0, 4.0, 8.0, 7.0, 3.0, 1.0]);
        let out = SPEC.compute_vec(&[&left, &right], &[3.0]).unwrap_or_default().concat();
        // Distances from the mean, times 3: of 2 4 5 they are -5 1 4, of 4 8 7 they are -7 5 2.
        let expected = [1.0, 48.0 / (42.0_f64 * 78.0).sqrt()];
        assert!(out.iter().skip(2).zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{out:?}");
        assert_eq!(out.last(), Some(&0.0));
    }

    #[test]
    fn does_not_see_the_scale_or_the_level() {
        let series = |seed: u32| -> Vec<f64> { (0..40).map(|i| f64::from((i * seed) % 31)).collect() };
        let (left, right) = (series(7919), series(104_729));
        let moved = |series: &[f64], scale: f64, level: f64| -> Vec<f64> {
            series.iter().map(|value| value * scale + level).collect()
        };
        let plain = SPEC.compute_vec(&[&left, &right], &[10.0]).unwrap_or_default().concat();
        let tiny = SPEC.compute_vec(&[&moved(&left, 1e-100, 0.0), &moved(&right, 1e-120, 0.0)], &[10.0]);
        let raised = SPEC.compute_vec(&[&moved(&left, 1.0, 1e12), &moved(&right, 1.0, 1e12)], &[10.0]);
        for other in [tiny, raised] {
            let other = other.unwrap_or_default().concat();
            assert!(plain.iter().zip(&other).skip(9).all(|(a, b)| (a - b).abs() < 1e-13));
        }
    }

    #[test]
    fn each_lane_takes_its_own_way_to_the_scale() -> Result<(), TaError> {
        // In the second half of the series, and so of the lanes, the product of the two spreads is 0.
        let series = |seed: u32| -> Vec<f64> {
            (0..4000).map(|i| f64::from((i * seed) % 31) * if i < 2000 { 1.0 } else { 1e-90 }).collect()
        };
        let (left, right) = (series(7919), series(104_729));
        let out = SPEC.compute_vec(&[&left, &right], &[10.0])?.concat();
        let mut live = Live::new(&SPEC, &[10.0], Seed::Talib)?;
        for (bar, value) in out.iter().enumerate() {
            let row = [&left, &right].map(|series| series.get(bar).copied().unwrap_or_default());
            let shown = live.update(&row)?.first().copied().unwrap_or_default();
            assert!(shown.to_bits() == value.to_bits() || (shown.is_nan() && value.is_nan()), "{bar}: {shown} {value}");
        }
        Ok(())
    }

    #[test]
    fn squares_beyond_the_range_of_floats_are_not_taken_for_a_number() {
        let (left, right) = ([1e200, -1e200, 1.0, 2.0, 4.0], [7.0, 6.0, 5.0, 6.0, 8.0]);
        let out = SPEC.compute_vec(&[&left, &right], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(4).all(|value| value.is_nan()), "{out:?}");
        assert!(out.last().is_some_and(|last| last.is_finite()), "{out:?}");
    }
}
