//! Hilbert transform: phase in the dominant cycle. O(n), up to 50 steps a bar, recursive.

use serde::{Deserialize, Serialize};

use super::kit::hilbert::{DominantPhase, WarmUp};
use super::kit::lanes::compiled;
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

/// HT_DCPHASE.
pub const SPEC: Spec = Spec {
    name: "HT_DCPHASE",
    group: "Cycle Indicators",
    self_checking: false,
    doc: "Hilbert transform: where in the dominant cycle the bar stands.",
    formula: "angle of the smoothed price's Fourier component of the dominant cycle's length, one bar of lag put right",
    source: "TA-Lib 0.8.2 TA_HT_DCPHASE; John F. Ehlers, Rocket Science for Traders, 2001",
    inputs: &[Input::Real],
    params: &[],
    outputs: &[Output::float("real", "degrees, -45..315; 90 is the top of a cycle, 270 its bottom")],
    lookback: |_| Ok(DominantPhase::SHOWN),
    memory: Memory::History,
    seeded: false,
    kernel: compiled::<CyclePhase, 1, 1>,
    stream: Some(streaming::<CyclePhase, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct CyclePhase {
    phase: DominantPhase,
    warm_up: WarmUp,
}

impl State<1, 1> for CyclePhase {
    fn new(_: &Params) -> Result<Self, TaError> {
        let warm_up = WarmUp::new(DominantPhase::SKIP, DominantPhase::SHOWN);
        Ok(Self { phase: DominantPhase::new(), warm_up })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let (_, phase) = self.phase.next(value)?;
        self.warm_up.show([phase])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn turns_by_eighteen_degrees_a_bar_in_a_cycle_of_twenty() {
        let wave = |bar: i32| 50.0 + (f64::from(bar) * std::f64::consts::TAU / 20.0).sin();
        let real: Vec<f64> = (0..400).map(wave).collect();
        let out = SPEC.compute_vec(&[&real], &[]).unwrap_or_default().concat();
        assert!(out.iter().take(63).all(|value| value.is_nan()));
        let late: Vec<f64> = out.iter().skip(300).copied().collect();
        for pair in late.windows(21) {
            let (Some(first), Some(last)) = (pair.first(), pair.last()) else { continue };
            // The same place one cycle later; the measured period wobbles by a bar.
            let apart = (last - first).rem_euclid(360.0);
            assert!(apart.min(360.0 - apart) < 20.0, "{first} {last}");
        }
    }
}
