//! Hyperbolic tangent of every value.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// TANH.
pub const SPEC: Spec = Spec {
    name: "TANH",
    doc: "Hyperbolic tangent of every value.",
    formula: "(e^x - e^-x) / (e^x + e^-x)",
    source: "TA-Lib 0.8.2 TA_TANH",
    outputs: &[Output::float("real", "-1..1")],
    ..transform::<HyperbolicTangent>()
};

#[derive(Clone)]
struct HyperbolicTangent;

impl Formula<1> for HyperbolicTangent {
    fn value([value]: [f64; 1]) -> f64 {
        value.tanh()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn saturates() {
        let out = SPEC.compute_vec(&[&[0.0, 1000.0, -1000.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [0.0, 1.0, -1.0]);
    }
}
