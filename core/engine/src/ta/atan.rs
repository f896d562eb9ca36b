//! Arc tangent of every value, in radians.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// ATAN.
pub const SPEC: Spec = Spec {
    name: "ATAN",
    doc: "Arc tangent of every value, in radians.",
    formula: "atan(x)",
    source: "TA-Lib 0.8.2 TA_ATAN",
    outputs: &[Output::float("real", "-pi/2..pi/2")],
    ..transform::<ArcTangent>()
};

#[derive(Clone)]
struct ArcTangent;

impl Formula<1> for ArcTangent {
    fn value([value]: [f64; 1]) -> f64 {
        value.atan()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn takes_infinity_to_a_right_angle() {
        let out = SPEC.compute_vec(&[&[0.0, f64::INFINITY]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [0.0, std::f64::consts::FRAC_PI_2]);
    }
}
