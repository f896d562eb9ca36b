//! Chaikin's volatility. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// CVI.
pub const SPEC: Spec = Spec {
    name: "CVI",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "Chaikin's volatility: the change of the smoothed range of a bar.",
    formula: "E = EMA(high - low, timeperiod); CVI[i] = 100 * (E[i] - E[i-rocperiod]) / E[i-rocperiod], 0 if that is 0",
    source: "TA-Lib 0.8.2 TA_CVI",
    inputs: &[Input::High, Input::Low],
    params: &[
        Param::period("timeperiod", 10.0, 2.0, "bars of the EMA"),
        Param::period("rocperiod", 10.0, 1.0, "bars back that the change is against"),
    ],
    outputs: &[Output::float("real", "percent; rising where ranges widen")],
    lookback: |params| Ok(params.int(0)? - 1 + params.int(1)?),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Widening, 2, 1>,
    stream: Some(streaming::<Widening, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Widening {
    average: Ema,
    past: Ring,
}

impl State<2, 1> for Widening {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ema::new(params.int(0)?, params.seed()), past: Ring::new(params.int(1)?) })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        let average = self.average.next(high - low)?;
        let before = self.past.push(average)?;
        Some([100.0 * ratio_or_zero(average - before, before)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_change_of_the_smoothed_range() {
        let (high, low) = ([1.0, 3.0, 5.0, 0.0], [0.0; 4]);
        let out = SPEC.compute_vec(&[&high, &low], &[2.0, 1.0]).unwrap_or_default().concat();
        // averages 2, 4, 4/3
        let expected = [100.0, -200.0 / 3.0];
        assert!(out.iter().skip(2).zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{out:?}");
    }
}
