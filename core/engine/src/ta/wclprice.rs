//! A bar's prices with the close counted twice.

use super::kit::elementwise::{Formula, elementwise};
use super::kit::{Input, Output, Spec};

/// WCLPRICE.
pub const SPEC: Spec = Spec {
    name: "WCLPRICE",
    doc: "A bar's prices with the close counted twice.",
    formula: "(high + low + 2 * close) / 4",
    source: "TA-Lib 0.8.2 TA_WCLPRICE",
    outputs: &[Output::float("real", "a price")],
    ..elementwise::<WeightedClose, 3>("Price Transform", &[Input::High, Input::Low, Input::Close])
};

#[derive(Clone)]
struct WeightedClose;

impl Formula<3> for WeightedClose {
    fn value([high, low, close]: [f64; 3]) -> f64 {
        (high + low + close * 2.0) / 4.0
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_prices() {
        let out = SPEC.compute_vec(&[&[4.0], &[2.0], &[5.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [4.0]);
    }
}
