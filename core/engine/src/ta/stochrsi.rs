//! Stochastic of the relative strength index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ma;
use super::kit::momentum::{PlaceInRange, TalibRisesAndFalls};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// STOCHRSI.
pub const SPEC: Spec = Spec {
    name: "STOCHRSI",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Stochastic RSI: where the RSI stands between its own lowest and highest of the last bars, and its average.",
    formula: "R = RSI(x, n); fastk = 100 * (R - min(R, k)) / (max(R, k) - min(R, k)), 0 if max = min; fastd = MA(fastk)",
    source: "TA-Lib 0.8.2 TA_STOCHRSI; T. Chande and S. Kroll, The New Technical Trader, 1994",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 14.0, 2.0, "bars of the RSI"),
        Param::period("fastk_period", 5.0, 1.0, "bars of the window over the RSI"),
        Param::period("fastd_period", 3.0, 1.0, "bars of the smoothing"),
        Param::average("fastd_matype", "kind of the smoothing"),
    ],
    outputs: &[
        Output::float("fastk", "0..100; above 80 is commonly called overbought, below 20 oversold"),
        Output::float("fastd", "smoothed fastk"),
    ],
    lookback: |params| Ok(params.int(0)? + params.int(1)? - 1 + params.average(3)?.lookback(params.int(2)?)),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<StochasticStrength, 1, 2>,
    stream: Some(streaming::<StochasticStrength, 1, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct StochasticStrength {
    changes: TalibRisesAndFalls,
    place: PlaceInRange,
    average: Ma,
}

impl State<1, 2> for StochasticStrength {
    fn new(params: &Params) -> Result<Self, TaError> {
        let average = Ma::new(params.average(3)?, params.int(2)?, params.seed())?;
        Ok(Self { changes: TalibRisesAndFalls::new(params.int(0)?), place: PlaceInRange::new(params.int(1)?), average })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 2]> {
        let strength = self.changes.next_share(value)?;
        let fast_k = self.place.next(strength, strength, strength)?;
        self.average.next(fast_k).map(|fast_d| [fast_k, fast_d])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_place_of_the_rsi_in_its_own_range() {
        let real = [1.0, 4.0, 3.0, 6.0, 6.0, 3.0];
        let outputs = SPEC.compute_vec(&[&real], &[2.0, 2.0, 2.0, 0.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(4..).unwrap_or_default()).collect();
        // RSI: 75, 90, 90, 32.1; fastk: 100, 0 (it stood still), 0
        assert_eq!(tails, [[0.0, 0.0], [50.0, 0.0]]);
    }
}
