//! Where in the dominant cycle a bar stands, and the price without that cycle.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::super::float;
use super::super::ring::Ring;
use super::{Cycle, DEGREES_IN_RADIAN, DominantCycle};

/// Longest cycle in bars.
const LONGEST: usize = 50;

/// Sine and cosine of every bar of a whole cycle, for every length of a cycle.
static WAVES: LazyLock<Vec<Vec<(f64, f64)>>> = LazyLock::new(|| {
    let angles = |length: usize| (0..length).map(move |bar| float(bar) * TAU / float(length));
    (0..=LONGEST).map(|length| angles(length).map(f64::sin_cos).collect()).collect()
});

/// A period as a whole number of bars.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "periods are within 0..=50")]
fn whole_bars(period: f64) -> usize {
    (period + 0.5) as usize
}

/// Where in the dominant cycle a bar stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DominantPhase {
    cycle: DominantCycle,
    smoothed: Ring,
    phase: f64,
}

impl DominantPhase {
    /// Bars before the first phase.
    pub(crate) const SKIP: usize = 37;
    /// The first bar TA-Lib shows.
    pub(crate) const SHOWN: usize = 63;

    pub(crate) fn new() -> Self {
        // The first cycles may reach back before the first smoothed price: TA-Lib has zeros there.
        let mut smoothed = Ring::new(LONGEST);
        for _ in 0..LONGEST {
            let _ = smoothed.push(0.0);
        }
        Self { cycle: DominantCycle::new(Self::SKIP), smoothed, phase: 0.0 }
    }

    /// The cycle and its phase in degrees, -45..=315.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: f64) -> Option<(Cycle, f64)> {
        let cycle = self.cycle.next(value)?;
        let _ = self.smoothed.push(cycle.smoothed);
        let (mut real, mut imaginary) = (0.0, 0.0);
        let waves = WAVES.get(whole_bars(cycle.period)).map_or(&[][..], Vec::as_slice);
        for (back, (sine, cosine)) in waves.iter().enumerate() {
            let smoothed = self.smoothed.back(back);
            real += sine * smoothed;
            imaginary += cosine * smoothed;
        }
        let mut phase = self.phase;
        if imaginary != 0.0 {
            phase = (real / imaginary).atan() * DEGREES_IN_RADIAN;
        } else if real < 0.0 {
            phase -= 90.0;
        } else if real > 0.0 {
            phase += 90.0;
        }
        // A quarter of a cycle, and the one bar that the smoothing is late.
        phase += 90.0;
        phase += 360.0 / cycle.period;
        if imaginary < 0.0 {
            phase += 180.0;
        }
        if phase > 315.0 {
            phase -= 360.0;
        }
        self.phase = phase;
        Some((cycle, phase))
    }
}

/// Sine of a phase in degrees, and of the phase an eighth of a cycle ahead.
pub(crate) fn sine_and_lead(phase: f64) -> [f64; 2] {
    let radians_in_degree = 1.0 / DEGREES_IN_RADIAN;
    [(phase * radians_in_degree).sin(), ((phase + 45.0) * radians_in_degree).sin()]
}

/// The price without its dominant cycle: averaged over the length of one cycle, then smoothed over four bars.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trendline {
    prices: Ring,
    /// The averages of the three bars before, the newest first.
    averages: [f64; 3],
}

impl Trendline {
    pub(crate) fn new() -> Self {
        Self { prices: Ring::new(LONGEST), averages: [0.0; 3] }
    }

    /// Every price goes in, also before there is a cycle.
    pub(crate) fn push(&mut self, price: f64) {
        let _ = self.prices.push(price);
    }

    /// The line at the bar just pushed.
    #[inline(always)]
    pub(crate) fn next(&mut self, period: f64) -> f64 {
        let bars = whole_bars(period);
        let mut average = (0..bars).fold(0.0, |sum, back| sum + self.prices.back(back));
        if bars > 0 {
            average /= float(bars);
        }
        let [first, second, third] = self.averages;
        self.averages = [average, first, second];
        (4.0 * average + 3.0 * first + 2.0 * second + third) / 10.0
    }
}
