//! Awesome oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::momentum::MedianSpread;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// AO.
pub const SPEC: Spec = Spec {
    name: "AO",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Awesome oscillator: a short mean of the bars' midpoints minus a long one.",
    formula: "M = (high + low) / 2; AO = SMA(M, fast) - SMA(M, slow)",
    source: "TA-Lib 0.8.2 TA_AO; B. Williams, New Trading Dimensions, 1998",
    inputs: &[Input::High, Input::Low],
    params: &[
        Param::period("fastperiod", 5.0, 2.0, "bars of the short mean"),
        Param::period("slowperiod", 34.0, 2.0, "bars of the long mean"),
    ],
    outputs: &[Output::float(
        "real",
        "short minus long, in the prices' unit; above 0 the short trend is the higher one",
    )],
    lookback: |params| Ok(params.int(0)?.max(params.int(1)?) - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Awesome, 2, 1>,
    stream: Some(streaming::<Awesome, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Awesome {
    spread: MedianSpread,
}

impl State<2, 1> for Awesome {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { spread: MedianSpread::new(params.int(0)?, params.int(1)?) })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        self.spread.next(high, low).map(|spread| [spread])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_short_mean_of_midpoints_minus_the_long_one() {
        let (high, low) = ([2.0, 4.0, 9.0, 3.0], [0.0, 2.0, 3.0, 1.0]);
        let out = SPEC.compute_vec(&[&high, &low], &[2.0, 3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // midpoints 1 3 6 2: 9/2 - 10/3, 4 - 11/3
        let expected = [4.5 - 10.0 / 3.0, 4.0 - 11.0 / 3.0];
        assert!(out.iter().skip(2).zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{out:?}");
    }
}
