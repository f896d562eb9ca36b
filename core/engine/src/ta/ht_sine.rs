//! Hilbert transform: sine wave indicator. O(n), up to 50 steps a bar, recursive.

use serde::{Deserialize, Serialize};

use super::kit::hilbert::{DominantPhase, WarmUp, sine_and_lead};
use super::kit::lanes::compiled;
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

/// HT_SINE.
pub const SPEC: Spec = Spec {
    name: "HT_SINE",
    group: "Cycle Indicators",
    self_checking: false,
    doc: "Hilbert transform: sine of the dominant cycle's phase, and the same an eighth of a cycle ahead.",
    formula: "sine = sin(phase); leadsine = sin(phase + 45 degrees); phase as in HT_DCPHASE",
    source: "TA-Lib 0.8.2 TA_HT_SINE; John F. Ehlers, Rocket Science for Traders, 2001",
    inputs: &[Input::Real],
    params: &[],
    outputs: &[
        Output::float("sine", "-1..1; follows the price's cycle"),
        Output::float("leadsine", "-1..1; its crossing with sine comes an eighth of a cycle before the turn"),
    ],
    lookback: |_| Ok(DominantPhase::SHOWN),
    memory: Memory::History,
    seeded: false,
    kernel: compiled::<SineWave, 1, 2>,
    stream: Some(streaming::<SineWave, 1, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct SineWave {
    phase: DominantPhase,
    warm_up: WarmUp,
}

impl State<1, 2> for SineWave {
    fn new(_: &Params) -> Result<Self, TaError> {
        let warm_up = WarmUp::new(DominantPhase::SKIP, DominantPhase::SHOWN);
        Ok(Self { phase: DominantPhase::new(), warm_up })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 2]> {
        let (_, phase) = self.phase.next(value)?;
        self.warm_up.show(sine_and_lead(phase))
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn crosses_twice_in_every_cycle() {
        let wave = |bar: i32| 50.0 + (f64::from(bar) * std::f64::consts::TAU / 20.0).sin();
        let real: Vec<f64> = (0..500).map(wave).collect();
        let outputs = SPEC.compute_vec(&[&real], &[]).unwrap_or_default();
        let (Some(sine), Some(lead)) = (outputs.first(), outputs.last()) else { return assert_eq!(1, 0) };
        assert!(sine.iter().take(63).all(|value| value.is_nan()));
        let above: Vec<bool> = sine.iter().zip(lead).skip(300).map(|(sine, lead)| sine > lead).collect();
        assert_eq!(above.windows(2).filter(|pair| pair.first() != pair.last()).count(), 20);
    }
}
