//! Sine of every value, taken as radians.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// SIN.
pub const SPEC: Spec = Spec {
    name: "SIN",
    doc: "Sine of every value, taken as radians.",
    formula: "sin(x)",
    source: "TA-Lib 0.8.2 TA_SIN",
    outputs: &[Output::float("real", "-1..1")],
    ..transform::<Sine>()
};

#[derive(Clone)]
struct Sine;

impl Formula<1> for Sine {
    fn value([value]: [f64; 1]) -> f64 {
        value.sin()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_zero_at_zero_and_nan_at_infinity() {
        let out = SPEC.compute_vec(&[&[0.0, f64::INFINITY]], &[]).unwrap_or_default().concat();
        // As text, because a NaN equals nothing.
        assert_eq!(format!("{out:?}"), format!("{:?}", [0.0, f64::NAN]));
    }
}
