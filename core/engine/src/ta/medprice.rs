//! Middle of a bar's range.

use super::kit::elementwise::{Formula, elementwise};
use super::kit::{Input, Output, Spec};

/// MEDPRICE.
pub const SPEC: Spec = Spec {
    name: "MEDPRICE",
    doc: "Middle of a bar's range.",
    formula: "(high + low) / 2",
    source: "TA-Lib 0.8.2 TA_MEDPRICE",
    outputs: &[Output::float("real", "a price")],
    ..elementwise::<MedianPrice, 2>("Price Transform", &[Input::High, Input::Low])
};

#[derive(Clone)]
struct MedianPrice;

impl Formula<2> for MedianPrice {
    fn value([high, low]: [f64; 2]) -> f64 {
        (high + low) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_prices() {
        let out = SPEC.compute_vec(&[&[4.0], &[1.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [2.5]);
    }
}
