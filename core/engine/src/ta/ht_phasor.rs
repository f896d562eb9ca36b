//! Hilbert transform: the phasor's two components. O(n), recursive.

use serde::{Deserialize, Serialize};

use super::kit::hilbert::{DominantCycle, WarmUp};
use super::kit::lanes::compiled;
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

/// HT_PHASOR.
pub const SPEC: Spec = Spec {
    name: "HT_PHASOR",
    group: "Cycle Indicators",
    self_checking: false,
    doc: "Hilbert transform: the detrended price and the same a quarter of a cycle behind.",
    formula: "quadrature = Hilbert transform of the detrended, smoothed price; inphase = the detrended price 3 bars before",
    source: "TA-Lib 0.8.2 TA_HT_PHASOR; John F. Ehlers, Rocket Science for Traders, 2001",
    inputs: &[Input::Real],
    params: &[],
    outputs: &[
        Output::float("inphase", "in the input's unit; with quadrature it turns once around 0 in a cycle"),
        Output::float("quadrature", "in the input's unit, a quarter of a cycle apart from inphase"),
    ],
    lookback: |_| Ok(DominantCycle::SHOWN),
    memory: Memory::History,
    seeded: false,
    kernel: compiled::<Components, 1, 2>,
    stream: Some(streaming::<Components, 1, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Components {
    cycle: DominantCycle,
    warm_up: WarmUp,
}

impl State<1, 2> for Components {
    fn new(_: &Params) -> Result<Self, TaError> {
        let cycle = DominantCycle::new(DominantCycle::SKIP);
        Ok(Self { cycle, warm_up: WarmUp::new(DominantCycle::SKIP, DominantCycle::SHOWN) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 2]> {
        let phasor = self.cycle.next(value)?.phasor;
        self.warm_up.show([phasor.in_phase, phasor.quadrature])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_wave_turns_in_a_circle() {
        let wave = |bar: i32| (f64::from(bar) * std::f64::consts::TAU / 20.0).sin();
        let real: Vec<f64> = (0..400).map(wave).collect();
        let outputs = SPEC.compute_vec(&[&real], &[]).unwrap_or_default();
        let (Some(inphase), Some(quadrature)) = (outputs.first(), outputs.last()) else { return assert_eq!(1, 0) };
        assert!(inphase.iter().take(32).all(|value| value.is_nan()));
        let radius: Vec<f64> = inphase.iter().zip(quadrature).skip(360).map(|(x, y)| x.hypot(*y)).collect();
        let (least, most) = radius.iter().fold((9.0_f64, 0.0_f64), |(low, high), &r| (low.min(r), high.max(r)));
        assert!(least > 0.5 && most / least < 1.3, "{radius:?}");
    }
}
