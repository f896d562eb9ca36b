//! Zero-lag exponential moving average. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// ZLEMA.
pub const SPEC: Spec = Spec {
    name: "ZLEMA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Zero-lag exponential moving average: an EMA of each value plus its change over half a period.",
    formula: "lag = (n-1)/2 cut to a whole number; ZLEMA = EMA(2*x[i] - x[i-lag], n)",
    source: "TA-Lib 0.8.2 TA_ZLEMA; John Ehlers and Ric Way, Zero Lag (well, almost), 2010",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars of the EMA; 1 is the input itself")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(Average::Zlema.lookback(params.int(0)?)),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<ZeroLagAverage, 1, 1>,
    stream: Some(streaming::<ZeroLagAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct ZeroLagAverage {
    average: Ma,
}

impl State<1, 1> for ZeroLagAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ma::new(Average::Zlema, params.int(0)?, params.seed())? })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn does_not_lag_behind_a_straight_line() {
        // An EMA of 5 trails by 2 bars, and 2 bars are added.
        let real: Vec<f64> = (0..14).map(f64::from).collect();
        let out = SPEC.compute_vec(&[&real], &[5.0]).unwrap_or_default().concat();
        assert!(out.iter().take(6).all(|value| value.is_nan()));
        assert!(out.iter().zip(&real).skip(6).all(|(value, real)| (value - real).abs() < 1e-12), "{out:?}");
    }
}
