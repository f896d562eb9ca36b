//! Hyperbolic cosine of every value.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// COSH.
pub const SPEC: Spec = Spec {
    name: "COSH",
    doc: "Hyperbolic cosine of every value.",
    formula: "(e^x + e^-x) / 2",
    source: "TA-Lib 0.8.2 TA_COSH",
    outputs: &[Output::float("real", "1 or more; infinite where the value is beyond about 710")],
    ..transform::<HyperbolicCosine>()
};

#[derive(Clone)]
struct HyperbolicCosine;

impl Formula<1> for HyperbolicCosine {
    fn value([value]: [f64; 1]) -> f64 {
        value.cosh()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_one_at_zero_and_overflows() {
        let out = SPEC.compute_vec(&[&[0.0, -1000.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [1.0, f64::INFINITY]);
    }
}
