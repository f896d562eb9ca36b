//! Largest whole number that is not above each value.

use super::kit::elementwise::{Formula, transform};
use super::kit::{Output, Spec};

/// FLOOR.
pub const SPEC: Spec = Spec {
    name: "FLOOR",
    doc: "Largest whole number that is not above each value.",
    formula: "floor(x)",
    source: "TA-Lib 0.8.2 TA_FLOOR",
    outputs: &[Output::float("real", "a whole number")],
    ..transform::<Floor>()
};

#[derive(Clone)]
struct Floor;

impl Formula<1> for Floor {
    fn value([value]: [f64; 1]) -> f64 {
        value.floor()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn rounds_down() {
        let out = SPEC.compute_vec(&[&[1.25, -1.25, 2.0]], &[]).unwrap_or_default().concat();
        assert_eq!(out, [1.0, -2.0, 2.0]);
    }
}
