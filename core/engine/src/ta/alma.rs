//! Arnaud Legoux moving average. O(n * timeperiod): its weights have no running form.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// ALMA.
pub const SPEC: Spec = Spec {
    name: "ALMA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Arnaud Legoux average: weights are a bell whose middle lies at offset of the window, so it lags less than SMA and is smoother than EMA. The middle is not rounded to a bar, as on TradingView (floor=false); Legoux's own code rounds it down.",
    formula: "m = offset*(n-1); s = n/sigma; w[k] = exp(-(k-m)^2/(2*s^2)), k = 0 oldest .. n-1; ALMA = sum(w*x)/sum(w)",
    source: "Arnaud Legoux and Dimitrios Kouzis-Loukas, Arnaud Legoux Moving Average, 2009; convention: TradingView ta.alma",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 9.0, 1.0, "bars in the window"),
        Param::between("offset", 0.85, 0.0, 1.0, "where the bell's middle lies: 0 the oldest bar, 1 the newest"),
        Param::between("sigma", 6.0, 0.01, 1e6, "how narrow the bell is"),
    ],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Legoux, 1, 1>,
    stream: Some(streaming::<Legoux, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Legoux {
    window: Ring,
    /// From the oldest bar to the newest; they add up to 1.
    weights: Vec<f64>,
}

impl State<1, 1> for Legoux {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        let middle = params.real(1)? * float(period - 1);
        let width = float(period) / params.real(2)?;
        let squares = || (0..period).map(|place| (float(place) - middle).powi(2));
        // The ratio of the weights is the same with the nearest bar's weight as the unit, and then they never all vanish.
        let nearest = squares().fold(f64::INFINITY, f64::min);
        let mut weights: Vec<f64> =
            squares().map(|square| (-(square - nearest) / (2.0 * width * width)).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        Ok(Self { window: Ring::new(period), weights })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.window.push(value);
        if !self.window.is_full() {
            return None;
        }
        // Distances from the newest value, so that a still market gives that value exactly.
        let lean: f64 = self.weights.iter().zip(self.window.iter()).map(|(weight, past)| weight * (past - value)).sum();
        Some([value + lean])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_by_the_distance_from_the_middle() {
        // n = 3, offset 0.5: middle 1; sigma 3: width 1; weights e^-0.5, 1, e^-0.5
        let out = SPEC.compute_vec(&[&[3.0, 6.0, 12.0]], &[3.0, 0.5, 3.0]).unwrap_or_default().concat();
        let side = (-0.5_f64).exp();
        let expected = (15.0 * side + 6.0) / (1.0 + 2.0 * side);
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert!(out.get(2).is_some_and(|value| (value - expected).abs() < 1e-14), "{out:?}");
    }

    #[test]
    fn a_very_narrow_bell_is_the_nearest_bar() {
        let out = SPEC.compute_vec(&[&[3.0, 6.0, 12.0]], &[3.0, 0.4, 1e6]).unwrap_or_default().concat();
        assert_eq!(out.get(2), Some(&6.0));
    }
}
