//! Cosine of every value, taken as radians.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// COS.
pub const SPEC: Spec = Spec {
    name: "COS",
    doc: "Cosine of every value, taken as radians.",
    formula: "cos(x)",
    source: "TA-Lib 0.8.2 TA_COS",
    outputs: &[Output::float("real", "-1..1")],
    ..transform::<Cosine>()
};

#[derive(Clone)]
struct Cosine;

impl Formula<1> for Cosine {
    fn value([value]: [f64; 1]) -> f64 {
        value.cos()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_one_at_zero_and_nan_at_infinity() {
        let out = SPEC.compute_vec(&[&[0.0, f64::INFINITY]], &[]).unwrap_or_default().concat();
        // As text, because a NaN equals nothing.
        assert_eq!(format!("{out:?}"), format!("{:?}", [1.0, f64::NAN]));
    }
}
