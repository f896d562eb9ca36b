//! Hilbert transform: instantaneous trendline. O(n), up to 50 steps a bar, recursive.

use serde::{Deserialize, Serialize};

use super::kit::hilbert::{DominantCycle, DominantPhase, Trendline, WarmUp};
use super::kit::lanes::compiled;
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

/// HT_TRENDLINE.
pub const SPEC: Spec = Spec {
    name: "HT_TRENDLINE",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Hilbert transform: instantaneous trendline, the price with its dominant cycle averaged out.",
    formula: "a[i] = mean of the last DCPERIOD prices; line = (4*a[i] + 3*a[i-1] + 2*a[i-2] + a[i-3]) / 10",
    source: "TA-Lib 0.8.2 TA_HT_TRENDLINE; John F. Ehlers, Rocket Science for Traders, 2001",
    inputs: &[Input::Real],
    params: &[],
    outputs: &[Output::float("real", "trend, in the input's unit")],
    lookback: |_| Ok(DominantPhase::SHOWN),
    memory: Memory::History,
    seeded: false,
    kernel: compiled::<InstantaneousTrend, 1, 1>,
    stream: Some(streaming::<InstantaneousTrend, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct InstantaneousTrend {
    cycle: DominantCycle,
    line: Trendline,
    warm_up: WarmUp,
}

impl State<1, 1> for InstantaneousTrend {
    fn new(_: &Params) -> Result<Self, TaError> {
        let warm_up = WarmUp::new(DominantPhase::SKIP, DominantPhase::SHOWN);
        Ok(Self { cycle: DominantCycle::new(DominantPhase::SKIP), line: Trendline::new(), warm_up })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.line.push(value);
        let cycle = self.cycle.next(value)?;
        let line = self.line.next(cycle.period);
        self.warm_up.show([line])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_wave_is_averaged_out() {
        let wave = |bar: i32| 50.0 + (f64::from(bar) * std::f64::consts::TAU / 20.0).sin();
        let real: Vec<f64> = (0..400).map(wave).collect();
        let out = SPEC.compute_vec(&[&real], &[]).unwrap_or_default().concat();
        assert!(out.iter().take(63).all(|value| value.is_nan()));
        assert!(out.iter().skip(300).all(|value| (value - 50.0).abs() < 0.1), "{out:?}");
    }
}
