//! Moving average convergence / divergence with averages of any kind. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ma;
use super::kit::momentum::{Convergence, FastAndSlow};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// MACDEXT.
pub const SPEC: Spec = Spec {
    name: "MACDEXT",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "MACD with a choice of moving averages: fast minus slow, its own average, and the difference of the two.",
    formula: "macd = MA(x, fast) - MA(x, slow); macdsignal = MA(macd, signal); macdhist = macd - macdsignal",
    source: "TA-Lib 0.8.2 TA_MACDEXT (both averages start at the bar where the longer look-back ends; a fast longer than slow is swapped with its kind)",
    inputs: &[Input::Real],
    params: &[
        Param::period("fastperiod", 12.0, 2.0, "bars of the fast average"),
        Param::average("fastmatype", "kind of the fast average"),
        Param::period("slowperiod", 26.0, 2.0, "bars of the slow average"),
        Param::average("slowmatype", "kind of the slow average"),
        Param::period("signalperiod", 9.0, 1.0, "bars of the signal's average"),
        Param::average("signalmatype", "kind of the signal's average"),
    ],
    outputs: &[
        Output::float("macd", "fast minus slow, in the input's unit; above 0 the short trend is the higher one"),
        Output::float("macdsignal", "smoothed macd"),
        Output::float("macdhist", "macd minus macdsignal; its sign change is the usual trigger"),
    ],
    lookback: |params| {
        let averages = (params.average(1)?, params.int(0)?);
        let difference = FastAndSlow::lookback(averages, (params.average(3)?, params.int(2)?));
        Ok(difference + params.average(5)?.lookback(params.int(4)?))
    },
    memory: Memory::History,
    seeded: true,
    kernel: batch::<AnyMacd, 1, 3>,
    stream: Some(streaming::<AnyMacd, 1, 3>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AnyMacd {
    convergence: Convergence,
}

impl State<1, 3> for AnyMacd {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (fast, slow) = ((params.average(1)?, params.int(0)?), (params.average(3)?, params.int(2)?));
        let averages = FastAndSlow::aligned(fast, slow, params.seed())?;
        let signal = Ma::new(params.average(5)?, params.int(4)?, params.seed())?;
        Ok(Self { convergence: Convergence::new(averages, signal) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 3]> {
        self.convergence.next(value)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;
    use crate::ta::macd;

    #[test]
    fn is_the_difference_of_two_means_and_its_mean() {
        let params = [2.0, 0.0, 3.0, 0.0, 2.0, 0.0];
        let outputs = SPEC.compute_vec(&[&[0.0, 0.0, 6.0, 6.0, 0.0]], &params).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(3..).unwrap_or_default()).collect();
        // differences 1, 2, -1
        assert_eq!(tails, [[2.0, -1.0], [1.5, 0.5], [0.5, -1.5]]);
    }

    #[test]
    fn with_exponential_averages_it_is_the_plain_one() {
        let real: Vec<f64> = (0..60).map(|i| f64::from(i * i % 17)).collect();
        let any = SPEC.compute_vec(&[&real], &[12.0, 1.0, 26.0, 1.0, 9.0, 1.0]);
        assert_eq!(format!("{any:?}"), format!("{:?}", macd::SPEC.compute_vec(&[&real], &[12.0, 26.0, 9.0])));
    }
}
