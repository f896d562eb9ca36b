//! Arc cosine of every value, in radians.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// ACOS.
pub const SPEC: Spec = Spec {
    name: "ACOS",
    doc: "Arc cosine of every value, in radians.",
    formula: "acos(x)",
    source: "TA-Lib 0.8.2 TA_ACOS",
    outputs: &[Output::float("real", "0..pi; NaN where the value is outside -1..=1")],
    ..transform::<ArcCosine>()
};

#[derive(Clone)]
struct ArcCosine;

impl Formula<1> for ArcCosine {
    fn value([value]: [f64; 1]) -> f64 {
        value.acos()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_zero_at_one_and_nan_outside() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0]], &[]).unwrap_or_default().concat();
        // As text, because a NaN equals nothing.
        assert_eq!(format!("{out:?}"), format!("{:?}", [0.0, f64::NAN]));
    }
}
