//! Hyperbolic sine of every value.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// SINH.
pub const SPEC: Spec = Spec {
    name: "SINH",
    doc: "Hyperbolic sine of every value.",
    formula: "(e^x - e^-x) / 2",
    source: "TA-Lib 0.8.2 TA_SINH",
    outputs: &[Output::float("real", "infinite where the value is beyond about 710")],
    ..transform::<HyperbolicSine>()
};

#[derive(Clone)]
struct HyperbolicSine;

impl Formula<1> for HyperbolicSine {
    fn value([value]: [f64; 1]) -> f64 {
        value.sinh()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_zero_at_zero_and_overflows() {
        let out = SPEC.compute_vec(&[&[0.0, -1000.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [0.0, f64::NEG_INFINITY]);
    }
}
