//! Efficiency ratio. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// ER.
pub const SPEC: Spec = Spec {
    name: "ER",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Kaufman's efficiency ratio: how straight the way was, distance over length; 1 when nothing moved.",
    formula: "ER[i] = |x[i] - x[i-n]| / sum of the last n |x[k] - x[k-1]|, 1 if the sum is 0",
    source: "TA-Lib 0.8.2 TA_ER; P. Kaufman, Trading Systems and Methods, 1995",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 10.0, 2.0, "changes in the window")],
    outputs: &[Output::float("real", "0..1; 1 is a straight line, near 0 a market without direction")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Efficiency, 1, 1>,
    stream: Some(streaming::<Efficiency, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Efficiency {
    past: Ring,
    previous: Option<f64>,
    way: Sum,
}

impl State<1, 1> for Efficiency {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { past: Ring::new(period), previous: None, way: Sum::new(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let oldest = self.past.push(value);
        let way = self.way.next((value - self.previous.replace(value)?).abs())?;
        let distance = (value - oldest?).abs();
        // Rounding can leave the way a little shorter than the distance.
        Some([if way <= distance { 1.0 } else { distance / way }])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_distance_over_way() {
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 2.0, 1.0, 1.0, 1.0]], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert_eq!(out.get(3..), Some(&[1.0, 1.0, 1.0][..]));
        assert!((out.get(2).copied().unwrap_or(f64::NAN) - 1.0 / 3.0).abs() < 1e-12);
    }
}
