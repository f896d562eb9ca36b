//! Difference of two series, bar by bar.

use super::kit::elementwise::{Formula, operator};
use super::kit::{Output, Spec};

/// SUB.
pub const SPEC: Spec = Spec {
    name: "SUB",
    doc: "Difference of two series, bar by bar.",
    formula: "x0 - x1",
    source: "TA-Lib 0.8.2 TA_SUB",
    outputs: &[Output::float("real", "in the inputs' unit")],
    ..operator::<Difference>()
};

#[derive(Clone)]
struct Difference;

impl Formula<2> for Difference {
    fn value([left, right]: [f64; 2]) -> f64 {
        left - right
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn subtracts_the_second_from_the_first() {
        let out = SPEC.compute_vec(&[&[3.0, 7.0], &[1.0, 2.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [2.0, 5.0]);
    }
}
