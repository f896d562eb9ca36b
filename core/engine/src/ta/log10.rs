//! Decimal logarithm of every value.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// LOG10.
pub const SPEC: Spec = Spec {
    name: "LOG10",
    doc: "Decimal logarithm of every value.",
    formula: "log(x), base 10",
    source: "TA-Lib 0.8.2 TA_LOG10",
    outputs: &[Output::float("real", "NaN where the value is negative, minus infinity where it is 0")],
    ..transform::<DecimalLogarithm>()
};

#[derive(Clone)]
struct DecimalLogarithm;

impl Formula<1> for DecimalLogarithm {
    fn value([value]: [f64; 1]) -> f64 {
        value.log10()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn counts_decimal_places() {
        let out = SPEC.compute_vec(&[&[1000.0, 0.0, -1.0]], &[]).unwrap_or_default().concat();
        // As text, because a NaN equals nothing.
        assert_eq!(format!("{out:?}"), format!("{:?}", [3.0, f64::NEG_INFINITY, f64::NAN]));
    }
}
