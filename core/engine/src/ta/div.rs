//! Quotient of two series, bar by bar.

use super::kit::elementwise::{Formula, operator};
use super::kit::{Output, Spec};

/// DIV.
pub const SPEC: Spec = Spec {
    name: "DIV",
    doc: "Quotient of two series, bar by bar.",
    formula: "x0 / x1",
    source: "TA-Lib 0.8.2 TA_DIV",
    outputs: &[Output::float("real", "a ratio; infinite or NaN where the second is 0")],
    ..operator::<Quotient>()
};

#[derive(Clone)]
struct Quotient;

impl Formula<2> for Quotient {
    fn value([left, right]: [f64; 2]) -> f64 {
        left / right
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn divides_the_first_by_the_second() {
        let out = SPEC.compute_vec(&[&[3.0, 7.0], &[1.0, 2.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [3.0, 3.5]);
    }
}
