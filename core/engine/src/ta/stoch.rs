//! Stochastic oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ma;
use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, nearly_equal, streaming};

/// STOCH.
pub const SPEC: Spec = Spec {
    name: "STOCH",
    group: "Momentum Indicators",
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
    lookback: |params| {
        let (first, second) = (params.average(2)?, params.average(4)?);
        Ok(params.int(0)? - 1 + first.lookback(params.int(1)?) + second.lookback(params.int(3)?))
    },
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Stochastic, 3, 2>,
    stream: Some(streaming::<Stochastic, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Stochastic {
    highest: Extreme,
    lowest: Extreme,
    slow_k: Ma,
    slow_d: Ma,
}

impl State<3, 2> for Stochastic {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (period, seed) = (params.int(0)?, params.seed());
        Ok(Self {
            highest: Extreme::highest(period),
            lowest: Extreme::lowest(period),
            slow_k: Ma::new(params.average(2)?, params.int(1)?, seed)?,
            slow_d: Ma::new(params.average(4)?, params.int(3)?, seed)?,
        })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 2]> {
        let (highest, lowest) = (self.highest.next(high), self.lowest.next(low));
        let (highest, lowest) = highest.zip(lowest)?;
        let still = nearly_equal(highest, lowest);
        // In TA-Lib's order of steps: a close at the highest high is exactly 100, bar after bar, so that an adaptive
        // average over the places sees that nothing moved.
        let place = if still { 0.0 } else { (close - lowest) / (highest - lowest) * 100.0 };
        let slow_k = self.slow_k.next(place)?;
        self.slow_d.next(slow_k).map(|slow_d| [slow_k, slow_d])
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
