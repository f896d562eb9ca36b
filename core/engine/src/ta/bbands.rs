//! Bollinger bands. O(n).

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma, Sma};
use super::kit::lanes::{Blocks, Windows, checked, windowed};
use super::kit::moments::RollingMoments;
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, float, streaming};

/// BBANDS.
pub const SPEC: Spec = Spec {
    name: "BBANDS",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Bollinger bands: a moving average and bands nbdev standard deviations above and below it.",
    formula: "middle = MA(x, n); upper = middle + nbdevup * STDDEV(x, n); lower = middle - nbdevdn * STDDEV(x, n)",
    source: "TA-Lib 0.8.2 TA_BBANDS (default timeperiod 20 since 0.8)",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 20.0, 2.0, "bars in the window"),
        Param::real("nbdevup", 2.0, f64::NEG_INFINITY, "deviations above"),
        Param::real("nbdevdn", 2.0, f64::NEG_INFINITY, "deviations below"),
        Param::average("matype", "kind of the middle band"),
    ],
    outputs: &[
        Output::float("upperband", "middle plus nbdevup deviations"),
        Output::float("middleband", "moving average"),
        Output::float("lowerband", "middle minus nbdevdn deviations"),
    ],
    lookback: |params| {
        let period = params.int(0)?;
        Ok((period - 1).max(params.average(3)?.lookback(period)))
    },
    memory: Memory::History,
    seeded: true,
    kernel: |inputs, params, outputs| match params.average(3)? {
        Average::Sma => windowed::<Simple, 1, 3>(inputs, params, outputs),
        _ => checked::<Bands, 1, 3>(inputs, params, outputs),
    },
    stream: Some(streaming::<Bands, 1, 3>),
};

/// How far the bands are from the middle.
#[derive(Clone, Serialize, Deserialize)]
struct Width<N = f64> {
    window: RollingMoments<N>,
    /// 1 / the window's length.
    share: N,
    up: N,
    down: N,
}

impl<N: Number> Width<N> {
    #[inline(always)]
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        let (window, share) = (RollingMoments::new(period), N::splat(1.0 / float(period)));
        Ok(Self { window, share, up: N::splat(params.real(1)?), down: N::splat(params.real(2)?) })
    }

    #[inline(always)]
    fn next(&mut self, value: N) -> Option<(N, N)> {
        let deviation = self.window.next(value)?.variance(self.share).root();
        Some((deviation * self.up, deviation * self.down))
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Bands {
    average: Ma,
    width: Width,
}

impl State<1, 3> for Bands {
    fn new(params: &Params) -> Result<Self, TaError> {
        let average = Ma::new(params.average(3)?, params.int(0)?, params.seed())?;
        Ok(Self { average, width: Width::new(params)? })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 3]> {
        let (middle, width) = (self.average.next(value), self.width.next(value));
        middle.zip(width).map(|(middle, (above, below))| [middle + above, middle, middle - below])
    }
}

/// With a simple average: the same numbers, over eight stretches as well.
#[derive(Clone, Serialize, Deserialize)]
struct Simple<N = f64> {
    average: Sma<N>,
    width: Width<N>,
}

impl<N: Number> Windows<N, 1, 3> for Simple<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Sma::new(params.int(0)?), width: Width::new(params)? })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 3]> {
        let (middle, width) = (self.average.next(value), self.width.next(value));
        middle.zip(width).map(|(middle, (above, below))| [middle + above, middle, middle - below])
    }
}

impl Blocks<1, 3> for Simple {
    type Over<N: Number> = Simple<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn bands_stand_off_by_their_own_multiples() {
        let outputs = SPEC.compute_vec(&[&[1.0, 3.0]], &[2.0, 2.0, 3.0]).unwrap_or_default();
        let last: Vec<f64> = outputs.iter().filter_map(|output| output.last().copied()).collect();
        assert_eq!(last, [4.0, 2.0, -1.0]);
    }
}
