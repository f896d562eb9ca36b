//! e to the power of every value.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// EXP.
pub const SPEC: Spec = Spec {
    name: "EXP",
    doc: "e to the power of every value.",
    formula: "e^x",
    source: "TA-Lib 0.8.2 TA_EXP",
    outputs: &[Output::float("real", "0 or more; infinite where the value is above about 709")],
    ..transform::<Exponential>()
};

#[derive(Clone)]
struct Exponential;

impl Formula<1> for Exponential {
    fn value([value]: [f64; 1]) -> f64 {
        value.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_one_at_zero_and_overflows() {
        let out = SPEC.compute_vec(&[&[0.0, 1000.0, -1000.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [1.0, f64::INFINITY, 0.0]);
    }
}
