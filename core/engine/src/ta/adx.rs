//! Average directional movement index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::ranges::Directional;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// ADX.
pub const SPEC: Spec = Spec {
    name: "ADX",
    group: "Momentum Indicators",
    doc: "Average directional index: strength of a trend, whichever its direction.",
    formula: "DX = 100 * |+DI - -DI| / (+DI + -DI); ADX: mean of the first n DX, then (ADX*(n-1) + DX) / n",
    source: "TA-Lib 0.8.2 TA_ADX; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "0..100; above 25 is commonly called a trend")],
    lookback: |params| Ok(2 * params.int(0)? - 1),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<DirectionalIndex, 3, 1>,
    stream: Some(streaming::<DirectionalIndex, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct DirectionalIndex {
    movement: Directional,
    /// DX still to be added up before the average begins.
    missing: usize,
    average: f64,
    count: f64,
}

impl State<3, 1> for DirectionalIndex {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        let movement = Directional::new(period);
        Ok(Self { movement, missing: period, average: 0.0, count: float(period) })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 1]> {
        let dx = self.movement.next(bar)?.dx();
        if self.missing > 0 {
            self.missing -= 1;
            self.average += dx.unwrap_or(0.0);
            if self.missing > 0 {
                return None;
            }
            self.average /= self.count;
        } else if let Some(dx) = dx {
            // Where there was no range TA-Lib keeps the last value.
            self.average += (dx - self.average) / self.count;
        }
        Some([self.average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_one_way_market_is_a_hundred_and_a_dead_one_zero() {
        let high: Vec<f64> = (2..12).map(f64::from).collect();
        let low: Vec<f64> = (0..10).map(f64::from).collect();
        let close: Vec<f64> = (1..11).map(f64::from).collect();
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        assert_eq!(out.get(3..), Some(&[100.0; 7][..]));
        let dead = [5.0; 6];
        let out = SPEC.compute_vec(&[&dead, &dead, &dead], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(3..), Some(&[0.0; 3][..]));
    }
}
