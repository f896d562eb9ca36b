//! Sum of two series, bar by bar.

use super::kit::elementwise::{Formula, operator};
use super::kit::{Output, Spec};

/// ADD.
pub const SPEC: Spec = Spec {
    name: "ADD",
    doc: "Sum of two series, bar by bar.",
    formula: "x0 + x1",
    source: "TA-Lib 0.8.2 TA_ADD",
    outputs: &[Output::float("real", "in the inputs' unit")],
    ..operator::<Sum>()
};

#[derive(Clone)]
struct Sum;

impl Formula<2> for Sum {
    fn value([left, right]: [f64; 2]) -> f64 {
        left + right
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn adds_bar_by_bar() {
        let out = SPEC.compute_vec(&[&[3.0, 7.0], &[1.0, 2.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [4.0, 9.0]);
    }
}
