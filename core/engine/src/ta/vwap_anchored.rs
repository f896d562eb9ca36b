//! Volume-weighted average price since a chosen bar. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::weighted::{Weighted, typical_price};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// `VWAP_ANCHORED`.
pub const SPEC: Spec = Spec {
    name: "VWAP_ANCHORED",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Volume-weighted average price since the anchor bar, which counts too; NaN before it and until something has traded. The bar is counted from the first complete one; with nan='window' from each restart.",
    formula: "TP = (high+low+close)/3; VWAP[i] = sum(TP * volume) / sum(volume) over bars anchor .. i",
    source: "Brian Shannon, Technical Analysis Using Multiple Timeframes, 2008 (anchored VWAP); convention: TradingView",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[Param::whole("anchor", 0.0, 0.0, 1e9, "the bar to begin with, 0 for the first")],
    outputs: &[Output::float("real", "average price paid a unit since the anchor")],
    lookback: |params| params.int(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<AnchoredAverage, 4, 1>,
    stream: Some(streaming::<AnchoredAverage, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AnchoredAverage {
    /// Bars still to come before the anchor.
    ahead: usize,
    traded: Weighted,
}

impl State<4, 1> for AnchoredAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { ahead: params.int(0)?, traded: Weighted::default() })
    }

    fn next(&mut self, [high, low, close, volume]: [f64; 4]) -> Option<[f64; 1]> {
        if self.ahead > 0 {
            self.ahead -= 1;
            return None;
        }
        self.traded.add(typical_price(high, low, close), volume);
        Some([self.traded.mean()])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn begins_with_the_anchor_bar() {
        let (price, volume) = ([99.0, 10.0, 20.0], [5.0, 1.0, 3.0]);
        let out = SPEC.compute_vec(&[&price, &price, &price, &volume], &[1.0]).unwrap_or_default().concat();
        assert!(out.first().is_some_and(|value| value.is_nan()));
        assert_eq!(out.get(1..), Some(&[10.0, 17.5][..]));
    }
}
