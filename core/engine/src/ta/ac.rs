//! Accelerator oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::momentum::MedianSpread;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// AC.
pub const SPEC: Spec = Spec {
    name: "AC",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Accelerator oscillator: the awesome oscillator minus its own mean; whether a move gains or loses speed.",
    formula: "AO = SMA(M, fast) - SMA(M, slow), M = (high + low) / 2; AC = AO - SMA(AO, signal)",
    source: "TA-Lib 0.8.2 TA_AC; B. Williams, New Trading Dimensions, 1998",
    inputs: &[Input::High, Input::Low],
    params: &[
        Param::period("fastperiod", 5.0, 2.0, "bars of the short mean"),
        Param::period("slowperiod", 34.0, 2.0, "bars of the long mean"),
        Param::period("signalperiod", 5.0, 2.0, "bars of the oscillator's own mean"),
    ],
    outputs: &[Output::float("real", "in the prices' unit; above 0 the oscillator is above its mean")],
    lookback: |params| Ok(params.int(0)?.max(params.int(1)?) - 1 + params.int(2)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Accelerator, 2, 1>,
    stream: Some(streaming::<Accelerator, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Accelerator {
    spread: MedianSpread,
    mean: Sma,
}

impl State<2, 1> for Accelerator {
    fn new(params: &Params) -> Result<Self, TaError> {
        let spread = MedianSpread::new(params.int(0)?, params.int(1)?);
        Ok(Self { spread, mean: Sma::new(params.int(2)?) })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        let spread = self.spread.next(high, low)?;
        self.mean.next(spread).map(|mean| [spread - mean])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_oscillator_minus_its_mean() {
        let price = [0.0, 0.0, 6.0, 6.0, 0.0];
        let out = SPEC.compute_vec(&[&price, &price], &[2.0, 3.0, 2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        // AO: 3 - 2, 6 - 4, 3 - 4; minus 1.5 and 0.5
        assert_eq!(out.get(3..), Some(&[0.5, -1.5][..]));
    }
}
