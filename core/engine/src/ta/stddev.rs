//! Standard deviation of a rolling window. O(n) amortised; centred sums, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::moments::RollingMoments;
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, float, streaming};

/// STDDEV.
pub const SPEC: Spec = Spec {
    name: "STDDEV",
    group: "Statistic Functions",
    self_checking: true,
    doc: "Standard deviation of the last timeperiod values (population: divided by n), times nbdev.",
    formula: "nbdev * sqrt(sum((x - mean)^2) / n)",
    source: "TA-Lib 0.8.2 TA_STDDEV",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 5.0, 2.0, "bars in the window"),
        Param::real("nbdev", 1.0, f64::NEG_INFINITY, "multiple of the deviation"),
    ],
    outputs: &[Output::float("real", "deviation, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Deviation, 1, 1>,
    stream: Some(streaming::<Deviation, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Deviation<N = f64> {
    window: RollingMoments<N>,
    /// 1 / the window's length.
    share: N,
    multiple: N,
}

impl<N: Number> Windows<N, 1, 1> for Deviation<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self {
            window: RollingMoments::new(period),
            share: N::splat(1.0 / float(period)),
            multiple: N::splat(params.real(1)?),
        })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        let variance = self.window.next(value)?.variance(self.share);
        Some([variance.root() * self.multiple])
    }
}

impl Blocks<1, 1> for Deviation {
    type Over<N: Number> = Deviation<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn divides_by_n() {
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 3.0, 3.0]], &[2.0, 2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(1).all(|value| value.is_nan()));
        assert_eq!(out.get(1..), Some(&[2.0, 0.0, 0.0][..]));
    }

    #[test]
    fn survives_a_level_of_1e12_and_an_old_spike() {
        let small = |i: usize| f64::from(u8::try_from(i * 31 % 17).unwrap_or(0)) / 8.0;
        let plain: Vec<f64> = (0..600).map(small).collect();
        let mut raised: Vec<f64> = plain.iter().map(|value| value + 1e12).collect();
        raised.splice(3..4, [1e16]);
        let expected = SPEC.compute_vec(&[&plain], &[20.0]).unwrap_or_default().concat();
        let got = SPEC.compute_vec(&[&raised], &[20.0]).unwrap_or_default().concat();
        for (a, b) in expected.iter().zip(&got).skip(24) {
            assert!((a - b).abs() <= 1e-9 * a.abs(), "{a} {b}");
        }
    }
}
