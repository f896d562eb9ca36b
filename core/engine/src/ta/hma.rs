//! Hull moving average. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Hma};
use super::kit::lanes::{Blocks, Windows, common_multiple, windowed};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// HMA.
pub const SPEC: Spec = Spec {
    name: "HMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Hull moving average: a weighted average with its lag taken out, smoothed over the root of the period.",
    formula: "HMA = WMA(2*WMA(x, n/2) - WMA(x, n), sqrt(n)), both derived periods cut to whole numbers",
    source: "TA-Lib 0.8.2 TA_HMA; Alan Hull, 2005",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 20.0, 1.0, "bars of the slow average; 1 is the input itself")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(Average::Hma.lookback(params.int(0)?)),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<HullAverage, 1, 1>,
    stream: Some(streaming::<HullAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct HullAverage<N = f64> {
    /// None with a period of 1: the series itself.
    average: Option<Hma<N>>,
}

impl<N: Number> Windows<N, 1, 1> for HullAverage<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { average: (period > 1).then(|| Hma::new(period)) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        let Some(average) = &mut self.average else { return Some([value]) };
        average.next(value).map(|average| [average])
    }
}

impl Blocks<1, 1> for HullAverage {
    type Over<N: Number> = HullAverage<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        let [fast, slow, smooth] = Hma::<f64>::periods(params.int(0)?);
        Ok(common_multiple(common_multiple(fast, slow), smooth))
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn hardly_lags_behind_a_straight_line() {
        let real: Vec<f64> = (0..14).map(f64::from).collect();
        let out = SPEC.compute_vec(&[&real], &[4.0]).unwrap_or_default().concat();
        assert!(out.iter().take(4).all(|value| value.is_nan()));
        // A WMA of n trails by (n - 1) / 3 bars: 2 * 1/3 - 1 and then 1/3 more.
        assert!(out.iter().zip(&real).skip(4).all(|(value, real)| (value - real).abs() < 1e-12), "{out:?}");
    }

    #[test]
    fn of_two_bars_it_is_what_the_newest_has_over_their_average() {
        let out = SPEC.compute_vec(&[&[3.0, 6.0, 0.0]], &[2.0]).unwrap_or_default().concat();
        // 2 * 6 - (3 + 12) / 3 and 0 - (6 + 0) / 3
        assert_eq!(out.get(1..), Some(&[7.0, -2.0][..]));
    }
}
