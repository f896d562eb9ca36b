//! Elder ray index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// ERI.
pub const SPEC: Spec = Spec {
    name: "ERI",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Elder ray: how far the high and the low are from the exponential average of the close.",
    formula: "bullpower = high - EMA(close, n); bearpower = low - EMA(close, n)",
    source: "TA-Lib 0.8.2 TA_ERI; A. Elder, Trading for a Living, 1993",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 13.0, 1.0, "bars of the EMA")],
    outputs: &[
        Output::float("bullpower", "in the prices' unit; how far buyers lifted the price above the average"),
        Output::float("bearpower", "in the prices' unit; below 0 where sellers pushed it under the average"),
    ],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<ElderRay, 3, 2>,
    stream: Some(streaming::<ElderRay, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct ElderRay {
    average: Ema,
}

impl State<3, 2> for ElderRay {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ema::new(params.int(0)?, params.seed()) })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 2]> {
        self.average.next(close).map(|average| [high - average, low - average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_distance_from_the_average() {
        let (high, low, close) = ([3.0, 5.0, 9.0], [1.0, 2.0, 3.0], [2.0, 4.0, 6.0]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(1..).unwrap_or_default()).collect();
        // averages 3, then 3 + (6 - 3) * 2/3 = 5
        assert_eq!(tails, [[2.0, 4.0], [-1.0, -2.0]]);
    }
}
