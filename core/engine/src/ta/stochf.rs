//! Fast stochastic oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma, Sma};
use super::kit::lanes::{Blocks, Windows, checked, common_multiple, windowed};
use super::kit::momentum::PlaceInRange;
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// STOCHF.
pub const SPEC: Spec = Spec {
    name: "STOCHF",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Fast stochastic: where the close stands between the lowest low and the highest high, and its average.",
    formula: "fastk = 100 * (close - LL(k)) / (HH(k) - LL(k)), 0 if HH = LL; fastd = MA(fastk)",
    source: "TA-Lib 0.8.2 TA_STOCHF; G. Lane",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("fastk_period", 5.0, 1.0, "bars of the high-low window"),
        Param::period("fastd_period", 3.0, 1.0, "bars of the smoothing"),
        Param::average("fastd_matype", "kind of the smoothing"),
    ],
    outputs: &[
        Output::float("fastk", "0..100; above 80 is commonly called overbought, below 20 oversold"),
        Output::float("fastd", "smoothed fastk; its crossing with fastk is the usual trigger"),
    ],
    lookback: |params| Ok(params.int(0)? - 1 + params.average(2)?.lookback(params.int(1)?)),
    memory: Memory::History,
    seeded: true,
    kernel: |inputs, params, outputs| match params.average(2)? {
        Average::Sma => windowed::<Simple, 3, 2>(inputs, params, outputs),
        _ => checked::<FastStochastic, 3, 2>(inputs, params, outputs),
    },
    stream: Some(streaming::<FastStochastic, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct FastStochastic {
    place: PlaceInRange,
    average: Ma,
}

impl State<3, 2> for FastStochastic {
    fn new(params: &Params) -> Result<Self, TaError> {
        let average = Ma::new(params.average(2)?, params.int(1)?, params.seed())?;
        Ok(Self { place: PlaceInRange::new(params.int(0)?), average })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 2]> {
        let fast_k = self.place.next(high, low, close)?;
        self.average.next(fast_k).map(|fast_d| [fast_k, fast_d])
    }
}

/// With a simple average: the same numbers, over eight stretches as well.
#[derive(Clone, Serialize, Deserialize)]
struct Simple<N = f64> {
    place: PlaceInRange<N>,
    average: Sma<N>,
}

impl<N: Number> Windows<N, 3, 2> for Simple<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { place: PlaceInRange::new(params.int(0)?), average: Sma::new(params.int(1)?) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low, close]: [N; 3]) -> Option<[N; 2]> {
        let fast_k = self.place.next(high, low, close)?;
        self.average.next(fast_k).map(|fast_d| [fast_k, fast_d])
    }
}

impl Blocks<3, 2> for Simple {
    type Over<N: Number> = Simple<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        Ok(common_multiple(params.int(0)?, params.int(1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_place_in_the_range_and_its_mean() {
        let (high, low, close) = ([4.0, 5.0, 6.0, 6.0], [0.0, 1.0, 2.0, 2.0], [2.0, 3.0, 5.0, 2.0]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0, 2.0, 0.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(2..).unwrap_or_default()).collect();
        // fastk of bars 1, 2, 3: 60, 80, 0
        assert_eq!(tails, [[80.0, 0.0], [70.0, 40.0]]);
    }
}
