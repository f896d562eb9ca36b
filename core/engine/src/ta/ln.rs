//! Natural logarithm of every value.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// LN.
pub const SPEC: Spec = Spec {
    name: "LN",
    doc: "Natural logarithm of every value.",
    formula: "log(x), base e",
    source: "TA-Lib 0.8.2 TA_LN",
    outputs: &[Output::float("real", "NaN where the value is negative, minus infinity where it is 0")],
    ..transform::<NaturalLogarithm>()
};

#[derive(Clone)]
struct NaturalLogarithm;

impl Formula<1> for NaturalLogarithm {
    fn value([value]: [f64; 1]) -> f64 {
        value.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_minus_infinite_at_zero_and_nan_below() {
        let out = SPEC.compute_vec(&[&[1.0, 0.0, -1.0]], &[]).unwrap_or_default().concat();
        // As text, because a NaN equals nothing.
        assert_eq!(format!("{out:?}"), format!("{:?}", [0.0, f64::NEG_INFINITY, f64::NAN]));
    }
}
