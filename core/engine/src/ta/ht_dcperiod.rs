//! Hilbert transform: period of the dominant cycle. O(n), recursive.

use serde::{Deserialize, Serialize};

use super::kit::hilbert::{DominantCycle, WarmUp};
use super::kit::lanes::compiled;
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

/// HT_DCPERIOD.
pub const SPEC: Spec = Spec {
    name: "HT_DCPERIOD",
    group: "Cycle Indicators",
    self_checking: false,
    doc: "Hilbert transform: period of the dominant cycle.",
    formula: "360 degrees over the mean phase change per bar of the Hilbert-transformed, detrended price; kept in 6..=50",
    source: "TA-Lib 0.8.2 TA_HT_DCPERIOD; John F. Ehlers, Rocket Science for Traders, 2001",
    inputs: &[Input::Real],
    params: &[],
    outputs: &[Output::float("real", "bars, 6..50; a guess where there is no cycle")],
    lookback: |_| Ok(DominantCycle::SHOWN),
    memory: Memory::History,
    seeded: false,
    kernel: |inputs, params, outputs| {
        let ([real], [out]) = (inputs, &mut *outputs) else { return Err(TaError::Wiring { what: "series" }) };
        if DominantCycle::periods(real, out) { Ok(()) } else { compiled::<CyclePeriod, 1, 1>(inputs, params, outputs) }
    },
    stream: Some(streaming::<CyclePeriod, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct CyclePeriod {
    cycle: DominantCycle,
    warm_up: WarmUp,
}

impl State<1, 1> for CyclePeriod {
    fn new(_: &Params) -> Result<Self, TaError> {
        let cycle = DominantCycle::new(DominantCycle::SKIP);
        Ok(Self { cycle, warm_up: WarmUp::new(DominantCycle::SKIP, DominantCycle::SHOWN) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let cycle = self.cycle.next(value)?;
        self.warm_up.show([cycle.period])
    }
}

#[cfg(test)]
mod tests {
    use super::{CyclePeriod, SPEC, State, TaError};
    use crate::ta::Seed;

    #[test]
    fn finds_the_length_of_a_wave() {
        for length in [10.0, 20.0, 40.0] {
            let wave = |bar: i32| 100.0 + (f64::from(bar) * std::f64::consts::TAU / length).sin();
            let real: Vec<f64> = (0..300).map(wave).collect();
            let out = SPEC.compute_vec(&[&real], &[]).unwrap_or_default().concat();
            assert!(out.iter().take(32).all(|value| value.is_nan()));
            let last = out.last().copied().unwrap_or_default();
            assert!((last / length - 1.0).abs() < 0.1, "{length}: {last}");
        }
    }

    #[test]
    fn stretches_have_the_bits_of_the_plain_loop() -> Result<(), TaError> {
        // Waves, noise, markets that stand still over the seams of the stretches, and sums that overflow.
        for (length, spike) in [(4000, 0.0), (30_000, 0.0), (30_000, 1e308)] {
            let (mut noise, mut price) = (1_u32, 100.0);
            let series = (0..length).map(|bar: u32| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let still = bar % 3000 < 900 || (15_000..19_000).contains(&bar);
                price += if still { 0.0 } else { f64::from(noise >> 24) / 128.0 - 1.0 + (f64::from(bar) / 7.0).sin() };
                if bar == length / 2 && spike > 0.0 { spike } else { price }
            });
            let real: Vec<f64> = series.collect();
            let mut state = CyclePeriod::new(&SPEC.bind(&[], Seed::Talib)?)?;
            let plain: Vec<u64> =
                real.iter().filter_map(|value| state.next([*value])).map(|[one]| one.to_bits()).collect();
            let out = SPEC.compute_vec(&[&real], &[])?.concat();
            assert_eq!(out.iter().skip(32).map(|one| one.to_bits()).collect::<Vec<_>>(), plain, "{length} {spike}");
        }
        Ok(())
    }
}
