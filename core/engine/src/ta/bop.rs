//! Balance of power. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// BOP.
pub const SPEC: Spec = Spec {
    name: "BOP",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Balance of power: the bar's body as a share of its range; 1 when buyers carried it from low to high.",
    formula: "(close - open) / (high - low), 0 if high <= low",
    source: "TA-Lib 0.8.2 TA_BOP; I. Livshin, Stocks & Commodities, August 2001",
    inputs: &[Input::Open, Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &[Output::float("real", "-1..1; above 0 the close is above the open")],
    lookback: |_| Ok(0),
    // A window of one bar rather than Memory::Bar: a gap in any of the four series then has no value.
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<BalanceOfPower, 4, 1>,
    stream: Some(streaming::<BalanceOfPower, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct BalanceOfPower;

impl State<4, 1> for BalanceOfPower {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self)
    }

    fn next(&mut self, [open, high, low, close]: [f64; 4]) -> Option<[f64; 1]> {
        let range = high - low;
        Some([if range > 0.0 { (close - open) / range } else { 0.0 }])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_body_in_the_range() {
        let (open, high, low, close) = ([1.0, 4.0, 3.0], [5.0, 5.0, 3.0], [1.0, 1.0, 3.0], [5.0, 2.0, 3.0]);
        let out = SPEC.compute_vec(&[&open, &high, &low, &close], &[]).unwrap_or_default().concat();
        assert_eq!(out, [1.0, -0.5, 0.0]);
    }
}
