//! Hilbert transform: trend or cycle. O(n), up to 50 steps a bar, recursive.

use serde::{Deserialize, Serialize};

use super::kit::hilbert::{DominantPhase, Trendline, WarmUp, sine_and_lead};
use super::kit::lanes::compiled;
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

/// HT_TRENDMODE.
pub const SPEC: Spec = Spec {
    name: "HT_TRENDMODE",
    group: "Cycle Indicators",
    self_checking: false,
    doc: "Hilbert transform: whether the market trends or goes in cycles.",
    formula: "1, but 0 for half a cycle after HT_SINE's lines cross and while the phase turns at the cycle's own pace; \
              1 wherever the smoothed price is 1.5 percent or more off HT_TRENDLINE",
    source: "TA-Lib 0.8.2 TA_HT_TRENDMODE; John F. Ehlers, Rocket Science for Traders, 2001",
    inputs: &[Input::Real],
    params: &[],
    outputs: &[Output::whole("integer", "1 in a trend, 0 in a cycle")],
    lookback: |_| Ok(DominantPhase::SHOWN),
    memory: Memory::History,
    seeded: false,
    kernel: compiled::<TrendMode, 1, 1>,
    stream: Some(streaming::<TrendMode, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct TrendMode {
    phase: DominantPhase,
    line: Trendline,
    /// Phase, sine and lead sine of the bar before.
    previous_phase: f64,
    previous_sines: [f64; 2],
    /// Bars since the sine lines crossed.
    bars_since_crossing: u32,
    warm_up: WarmUp,
}

impl TrendMode {
    fn is_trend(&mut self, period: f64, phase: f64, distance: f64) -> bool {
        let [sine, lead] = sine_and_lead(phase);
        let [old_sine, old_lead] = std::mem::replace(&mut self.previous_sines, [sine, lead]);
        let turned = phase - std::mem::replace(&mut self.previous_phase, phase);
        let crossed = (sine > lead && old_sine <= old_lead) || (sine < lead && old_sine >= old_lead);
        self.bars_since_crossing = if crossed { 1 } else { self.bars_since_crossing.saturating_add(1) };
        let own_pace = 360.0 / period;
        let in_cycle = crossed
            || f64::from(self.bars_since_crossing) < 0.5 * period
            || (period != 0.0 && turned > 0.67 * own_pace && turned < 1.5 * own_pace);
        !in_cycle || distance >= 0.015
    }
}

impl State<1, 1> for TrendMode {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self {
            phase: DominantPhase::new(),
            line: Trendline::new(),
            previous_phase: 0.0,
            previous_sines: [0.0; 2],
            bars_since_crossing: 0,
            warm_up: WarmUp::new(DominantPhase::SKIP, DominantPhase::SHOWN),
        })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.line.push(value);
        let (cycle, phase) = self.phase.next(value)?;
        let line = self.line.next(cycle.period);
        let distance = if line == 0.0 { 0.0 } else { ((cycle.smoothed - line) / line).abs() };
        let trend = self.is_trend(cycle.period, phase, distance);
        self.warm_up.show([f64::from(u8::from(trend))])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    fn share_of_trend(price: impl Fn(f64) -> f64) -> f64 {
        let real: Vec<f64> = (0..500).map(|bar| price(f64::from(bar))).collect();
        let out = SPEC.compute_vec(&[&real], &[]).unwrap_or_default().concat();
        assert!(out.iter().take(63).all(|&value| value == 0.0));
        out.iter().skip(300).sum::<f64>() / 200.0
    }

    #[test]
    fn a_wave_is_a_cycle_and_steady_growth_a_trend() {
        assert_eq!(share_of_trend(|bar| 100.0 + 0.1 * (bar * std::f64::consts::TAU / 20.0).sin()), 0.0);
        assert_eq!(share_of_trend(|bar| 100.0 * 1.01_f64.powf(bar)), 1.0);
    }
}
