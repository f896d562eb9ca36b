//! Average directional movement index rating. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::momentum::TrendStrength;
use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// ADXR.
pub const SPEC: Spec = Spec {
    name: "ADXR",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Average directional index rating: the mean of today's ADX and an older one; slower than ADX.",
    formula: "ADXR[i] = (ADX[i] + ADX[i-(n-1)]) / 2",
    source: "TA-Lib 0.8.2 TA_ADXR; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of Wilder smoothing, and of the distance plus one")],
    outputs: &[Output::float("real", "0..100; above 25 is commonly called a trend")],
    lookback: |params| Ok(3 * params.int(0)? - 2),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<Rating, 3, 1>,
    stream: Some(streaming::<Rating, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Rating {
    strength: TrendStrength,
    past: Ring,
}

impl State<3, 1> for Rating {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { strength: TrendStrength::new(period), past: Ring::new(period - 1) })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 1]> {
        let strength = self.strength.next(bar)?;
        self.past.push(strength).map(|past| [f64::midpoint(strength, past)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;
    use crate::ta::adx;

    #[test]
    fn is_the_mean_of_two_adx() {
        let high: Vec<f64> = (0..30).map(|i| f64::from(i * 7 % 11) + 5.0).collect();
        let low: Vec<f64> = (0..30).map(|i| f64::from(i * 5 % 13) - 9.0).collect();
        let inputs: [&[f64]; 3] = [&high, &low, &low];
        let rating = SPEC.compute_vec(&inputs, &[3.0]).unwrap_or_default().concat();
        let adx = adx::SPEC.compute_vec(&inputs, &[3.0]).unwrap_or_default().concat();
        assert!(rating.iter().take(7).all(|value| value.is_nan()) && rating.len() == 30);
        let mean = adx.iter().skip(5).zip(adx.iter().skip(7)).map(|(past, now)| (past + now) / 2.0);
        assert!(rating.iter().skip(7).zip(mean).all(|(a, b)| (a - b).abs() < 1e-12), "{rating:?}");
    }
}
