//! Mean of a bar's high, low and close.

use super::kit::elementwise::{Formula, elementwise};
use super::kit::{Input, Output, Spec};

/// TYPPRICE.
pub const SPEC: Spec = Spec {
    name: "TYPPRICE",
    doc: "Mean of a bar's high, low and close.",
    formula: "(high + low + close) / 3",
    source: "TA-Lib 0.8.2 TA_TYPPRICE",
    outputs: &[Output::float("real", "a price")],
    ..elementwise::<TypicalPrice, 3>("Price Transform", &[Input::High, Input::Low, Input::Close])
};

#[derive(Clone)]
struct TypicalPrice;

impl Formula<3> for TypicalPrice {
    fn value([high, low, close]: [f64; 3]) -> f64 {
        (high + low + close) / 3.0
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_prices() {
        let out = SPEC.compute_vec(&[&[4.0], &[1.0], &[4.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [3.0]);
    }
}
