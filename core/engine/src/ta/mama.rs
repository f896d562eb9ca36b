//! MESA adaptive moving average. O(n), recursive.

use serde::{Deserialize, Serialize};

use super::kit::hilbert;
use super::kit::lanes::compiled;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// MAMA.
pub const SPEC: Spec = Spec {
    name: "MAMA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "MESA adaptive moving average: the slower the cycle's phase turns, the faster it follows the price.",
    formula: "w = fastlimit / phase change in degrees, in slowlimit..=fastlimit; MAMA += w*(x-MAMA); FAMA += w/2*(MAMA-FAMA)",
    source: "TA-Lib 0.8.2 TA_MAMA; John F. Ehlers, MESA Adaptive Moving Averages, 2001",
    inputs: &[Input::Real],
    params: &[
        Param::between("fastlimit", 0.5, 0.01, 0.99, "largest weight of a new value"),
        Param::between("slowlimit", 0.05, 0.01, 0.99, "smallest weight of a new value"),
    ],
    outputs: &[
        Output::float("mama", "average, in the input's unit"),
        Output::float("fama", "the average that follows mama; their crossing marks a turn"),
    ],
    lookback: |_| Ok(hilbert::Mama::LOOKBACK),
    memory: Memory::History,
    seeded: false,
    kernel: compiled::<AdaptivePair, 1, 2>,
    stream: Some(streaming::<AdaptivePair, 1, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AdaptivePair {
    averages: hilbert::Mama,
}

impl State<1, 2> for AdaptivePair {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { averages: hilbert::Mama::new(params.real(0)?, params.real(1)?) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 2]> {
        self.averages.next(value)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn equal_limits_make_two_plain_exponential_averages() {
        let real = [8.0; 60];
        let outputs = SPEC.compute_vec(&[&real], &[0.5, 0.5]).unwrap_or_default();
        let (Some(mama), Some(fama)) = (outputs.first(), outputs.last()) else { return assert_eq!(1, 0) };
        assert!(mama.iter().take(32).all(|value| value.is_nan()));
        // Both begin with 0 at bar 12; after 21 steps a half is left 2^-21 times, and fama trails.
        let expected = 8.0 * (1.0 - 0.5_f64.powi(21));
        assert!(mama.get(32).is_some_and(|value| (value - expected).abs() < 1e-12), "{mama:?}");
        assert!(fama.iter().zip(mama).skip(32).all(|(slow, fast)| slow < fast && *slow > 7.8));
    }
}
