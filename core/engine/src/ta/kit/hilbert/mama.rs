//! MESA adaptive moving average, an average whose weight comes from the cycle's phase.

use serde::{Deserialize, Serialize};

use super::{DEGREES_IN_RADIAN, DominantCycle, Phasor, WarmUp};

/// MESA adaptive average: the faster the phase turns back, the faster it follows. And the one that follows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mama {
    cycle: DominantCycle,
    fast_limit: f64,
    slow_limit: f64,
    phase: f64,
    mama: f64,
    fama: f64,
    warm_up: WarmUp,
}

impl Mama {
    /// Bars before the first value.
    pub(crate) const LOOKBACK: usize = DominantCycle::SHOWN;

    /// Limits of the weight of a new value, within 0.01..=0.99.
    pub(crate) const fn new(fast_limit: f64, slow_limit: f64) -> Self {
        let cycle = DominantCycle::new(DominantCycle::SKIP);
        let warm_up = WarmUp::new(DominantCycle::SKIP, Self::LOOKBACK);
        Self { cycle, fast_limit, slow_limit, phase: 0.0, mama: 0.0, fama: 0.0, warm_up }
    }

    /// MAMA and FAMA.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: f64) -> Option<[f64; 2]> {
        let Phasor { in_phase, quadrature } = self.cycle.next(value)?.phasor;
        let phase = if in_phase == 0.0 { 0.0 } else { (quadrature / in_phase).atan() * DEGREES_IN_RADIAN };
        let turned = std::mem::replace(&mut self.phase, phase) - phase;
        // The slow limit counts only where the phase turned: it may be the larger one.
        let weight = if turned > 1.0 { f64::max(self.fast_limit / turned, self.slow_limit) } else { self.fast_limit };
        self.mama = (1.0 - weight).mul_add(self.mama, weight * value);
        let weight = 0.5 * weight;
        self.fama = (1.0 - weight).mul_add(self.fama, weight * self.mama);
        self.warm_up.show([self.mama, self.fama])
    }
}
