//! Stochastic oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Sma};
use super::kit::lanes::{Blocks, Windows, checked, common_multiple, windowed};
use super::kit::momentum::{PlaceInRange, SlowStochastic};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// STOCH.
pub const SPEC: Spec = Spec {
    name: "STOCH",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Slow stochastic: where the close stands between the lowest low and the highest high, smoothed twice.",
    formula: "fastk = 100 * (close - LL(k)) / (HH(k) - LL(k)), 0 if HH = LL; slowk = MA(fastk); slowd = MA(slowk)",
    source: "TA-Lib 0.8.2 TA_STOCH",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("fastk_period", 5.0, 1.0, "bars of the high-low window"),
        Param::period("slowk_period", 3.0, 1.0, "bars of the first smoothing"),
        Param::average("slowk_matype", "kind of the first smoothing"),
        Param::period("slowd_period", 3.0, 1.0, "bars of the second smoothing"),
        Param::average("slowd_matype", "kind of the second smoothing"),
    ],
    outputs: &[
        Output::float("slowk", "0..100; above 80 is commonly called overbought, below 20 oversold"),
        Output::float("slowd", "smoothed slowk; its crossing with slowk is the usual trigger"),
    ],
    lookback: SlowStochastic::lookback,
    memory: Memory::History,
    seeded: true,
    kernel: |inputs, params, outputs| match (params.average(2)?, params.average(4)?) {
        (Average::Sma, Average::Sma) => windowed::<Simple, 3, 2>(inputs, params, outputs),
        _ => checked::<Stochastic, 3, 2>(inputs, params, outputs),
    },
    stream: Some(streaming::<Stochastic, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Stochastic {
    slow: SlowStochastic,
}

impl State<3, 2> for Stochastic {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { slow: SlowStochastic::new(params)? })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 2]> {
        self.slow.next(bar)
    }
}

/// With simple averages: the same numbers, over eight stretches as well.
#[derive(Clone, Serialize, Deserialize)]
struct Simple<N = f64> {
    place: PlaceInRange<N>,
    first: Sma<N>,
    second: Sma<N>,
}

impl<N: Number> Windows<N, 3, 2> for Simple<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let (first, second) = (Sma::new(params.int(1)?), Sma::new(params.int(3)?));
        Ok(Self { place: PlaceInRange::new(params.int(0)?), first, second })
    }

    #[inline(always)]
    fn next(&mut self, [high, low, close]: [N; 3]) -> Option<[N; 2]> {
        let slow_k = self.first.next(self.place.next(high, low, close)?)?;
        self.second.next(slow_k).map(|slow_d| [slow_k, slow_d])
    }
}

impl Blocks<3, 2> for Simple {
    type Over<N: Number> = Simple<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        Ok(common_multiple(common_multiple(params.int(0)?, params.int(1)?), params.int(3)?))
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_place_in_the_range() {
        let (high, low, close) = ([4.0, 5.0, 6.0, 6.0], [0.0, 1.0, 2.0, 2.0], [2.0, 3.0, 5.0, 2.0]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0, 1.0, 0.0, 2.0, 0.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(2..).unwrap_or_default()).collect();
        // fastk of bars 1, 2, 3: 60, 80, 0
        assert_eq!(tails, [[80.0, 0.0], [70.0, 40.0]]);
    }
}
