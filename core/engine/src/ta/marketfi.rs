//! Market facilitation index.

use super::kit::elementwise::{Formula, elementwise};
use super::kit::{Input, Output, Spec, ratio_or_zero};

/// MARKETFI.
pub const SPEC: Spec = Spec {
    name: "MARKETFI",
    doc: "Market facilitation index: how far the price moved for each unit of volume.",
    formula: "(high - low) / volume, 0 without volume",
    source: "TA-Lib 0.8.2 TA_MARKETFI; B. Williams, Trading Chaos, 1995",
    outputs: &[Output::float("real", "price per volume; compare it with the bar before")],
    ..elementwise::<Facilitation, 3>("Volume Indicators", &[Input::High, Input::Low, Input::Volume])
};

#[derive(Clone)]
struct Facilitation;

impl Formula<3> for Facilitation {
    fn value([high, low, volume]: [f64; 3]) -> f64 {
        ratio_or_zero(high - low, volume)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_range_for_each_unit_of_volume() {
        let out = SPEC.compute_vec(&[&[5.0, 5.0], &[1.0, 1.0], &[8.0, 0.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [0.5, 0.0]);
    }

    #[test]
    fn has_no_value_where_a_price_is_missing_even_without_volume() {
        let out = SPEC.compute_vec(&[&[f64::NAN], &[1.0], &[0.0]], &[]).unwrap_or_default().concat();
        assert!(out.iter().all(|value| value.is_nan()), "{out:?}");
    }
}
