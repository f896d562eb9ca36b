//! Square root of every value.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// SQRT.
pub const SPEC: Spec = Spec {
    name: "SQRT",
    doc: "Square root of every value.",
    formula: "sqrt(x)",
    source: "TA-Lib 0.8.2 TA_SQRT",
    outputs: &[Output::float("real", "0 or more; NaN where the value is negative")],
    ..transform::<SquareRoot>()
};

#[derive(Clone)]
struct SquareRoot;

impl Formula<1> for SquareRoot {
    fn value([value]: [f64; 1]) -> f64 {
        value.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_nan_below_zero() {
        let out = SPEC.compute_vec(&[&[9.0, -1.0]], &[]).unwrap_or_default().concat();
        // As text, because a NaN equals nothing.
        assert_eq!(format!("{out:?}"), format!("{:?}", [3.0, f64::NAN]));
    }
}
