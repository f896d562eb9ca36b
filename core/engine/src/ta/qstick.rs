//! QStick. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// QSTICK.
pub const SPEC: Spec = Spec {
    name: "QSTICK",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "QStick: the mean body of the last bars.",
    formula: "SMA(close - open, n)",
    source: "TA-Lib 0.8.2 TA_QSTICK; T. Chande and S. Kroll, The New Technical Trader, 1994",
    inputs: &[Input::Open, Input::Close],
    params: &[Param::period("timeperiod", 10.0, 1.0, "bars in the window")],
    outputs: &[Output::float("real", "in the prices' unit; above 0 bars close above their open on average")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<MeanBody, 2, 1>,
    stream: Some(streaming::<MeanBody, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct MeanBody {
    mean: Sma,
}

impl State<2, 1> for MeanBody {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { mean: Sma::new(params.int(0)?) })
    }

    fn next(&mut self, [open, close]: [f64; 2]) -> Option<[f64; 1]> {
        self.mean.next(close - open).map(|mean| [mean])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_mean_body() {
        let (open, close) = ([1.0, 5.0, 2.0], [4.0, 4.0, 4.0]);
        let out = SPEC.compute_vec(&[&open, &close], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[1.0, 0.5][..]));
    }
}
