//! Mean of a bar's four prices.

use super::kit::elementwise::{Formula, elementwise};
use super::kit::{Input, Output, Spec};

/// AVGPRICE.
pub const SPEC: Spec = Spec {
    name: "AVGPRICE",
    doc: "Mean of a bar's four prices.",
    formula: "(open + high + low + close) / 4",
    source: "TA-Lib 0.8.2 TA_AVGPRICE",
    outputs: &[Output::float("real", "a price")],
    ..elementwise::<AveragePrice, 4>("Price Transform", &[Input::Open, Input::High, Input::Low, Input::Close])
};

#[derive(Clone)]
struct AveragePrice;

impl Formula<4> for AveragePrice {
    fn value([open, high, low, close]: [f64; 4]) -> f64 {
        (high + low + close + open) / 4.0
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_prices() {
        let out = SPEC.compute_vec(&[&[1.0], &[4.0], &[1.0], &[2.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [2.0]);
    }
}
