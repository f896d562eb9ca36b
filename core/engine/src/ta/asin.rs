//! Arc sine of every value, in radians.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// ASIN.
pub const SPEC: Spec = Spec {
    name: "ASIN",
    doc: "Arc sine of every value, in radians.",
    formula: "asin(x)",
    source: "TA-Lib 0.8.2 TA_ASIN",
    outputs: &[Output::float("real", "-pi/2..pi/2; NaN where the value is outside -1..=1")],
    ..transform::<ArcSine>()
};

#[derive(Clone)]
struct ArcSine;

impl Formula<1> for ArcSine {
    fn value([value]: [f64; 1]) -> f64 {
        value.asin()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_zero_at_zero_and_nan_outside() {
        let out = SPEC.compute_vec(&[&[0.0, -2.0]], &[]).unwrap_or_default().concat();
        // As text, because a NaN equals nothing.
        assert_eq!(format!("{out:?}"), format!("{:?}", [0.0, f64::NAN]));
    }
}
