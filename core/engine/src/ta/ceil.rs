//! Smallest whole number that is not below each value.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// CEIL.
pub const SPEC: Spec = Spec {
    name: "CEIL",
    doc: "Smallest whole number that is not below each value.",
    formula: "ceil(x)",
    source: "TA-Lib 0.8.2 TA_CEIL",
    outputs: &[Output::float("real", "a whole number")],
    ..transform::<Ceiling>()
};

#[derive(Clone)]
struct Ceiling;

impl Formula<1> for Ceiling {
    fn value([value]: [f64; 1]) -> f64 {
        value.ceil()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn rounds_up() {
        let out = SPEC.compute_vec(&[&[1.25, -1.25, 2.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [2.0, -1.0, 2.0]);
    }
}
