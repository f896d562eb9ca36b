//! Volume-weighted average price of the session. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::weighted::SessionWeighted;
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// `VWAP_SESSION`.
pub const SPEC: Spec = Spec {
    name: "VWAP_SESSION",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Volume-weighted average price since the session began; NaN until it has traded. TradingView's ta.vwap(hlc3, anchor); TA-Lib's VWAP never resets.",
    formula: "TP = (high+low+close)/3; VWAP = sum(TP * volume) / sum(volume) over the session's bars up to this one",
    source: "Berkowitz, Logue and Noser, The Total Cost of Transactions on the NYSE, Journal of Finance 43, 1988; convention: TradingView",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume, Input::Session],
    params: &[],
    outputs: &[Output::float("real", "average price paid a unit in this session")],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<SessionAverage, 5, 1>,
    stream: Some(streaming::<SessionAverage, 5, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct SessionAverage(SessionWeighted);

impl State<5, 1> for SessionAverage {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self(SessionWeighted::default()))
    }

    fn next(&mut self, bar: [f64; 5]) -> Option<[f64; 1]> {
        Some([self.0.next(bar).mean()])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn begins_afresh_with_the_session() {
        let (price, volume) = ([10.0, 20.0, 30.0, 40.0, 50.0], [1.0, 3.0, 0.0, 2.0, 2.0]);
        let session = [1.0, 1.0, 2.0, 2.0, 2.0];
        let out = SPEC.compute_vec(&[&price, &price, &price, &volume, &session], &[]).unwrap_or_default().concat();
        assert_eq!(out.get(..2), Some(&[10.0, 17.5][..]));
        // the second session begins with a bar without volume
        assert!(out.get(2).is_some_and(|value| value.is_nan()));
        assert_eq!(out.get(3..), Some(&[40.0, 45.0][..]));
    }
}
