//! Cycles by Hilbert transform (John F. Ehlers, "Rocket Science for Traders", 2001; MAMA: "MESA Adaptive Moving
//! Averages", 2001), one bar after the other.
//!
//! A price series is smoothed over four bars, its trend is filtered out, and what remains is split into a part in phase
//! and one a quarter of a cycle behind it. How fast the two turn around each other gives the period of the dominant
//! cycle, which in turn tunes the filters for the next bar. Fixed small states, O(1) a bar (up to 50 steps for the phase).
//!
//! # Layout
//! - here: [`DominantCycle`], its period and phasor; `phase`: [`DominantPhase`], [`Trendline`]; `mama`: [`Mama`].
//!
//! Every step is taken in TA-Lib's order and with its fused multiply-adds, to the bit: where a market stands still, the
//! filters hold nothing but rounding noise, and the angle of that noise is what is shown.

mod mama;
mod phase;

use std::f64::consts::FRAC_PI_4;

use serde::{Deserialize, Serialize};

pub(crate) use mama::Mama;
pub(crate) use phase::{DominantPhase, Trendline, sine_and_lead};

use super::float;

/// Degrees in a radian, by TA-Lib's way of rounding.
const DEGREES_IN_RADIAN: f64 = 45.0 / FRAC_PI_4;

/// Bars whose values are not shown: the filters are still filling up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WarmUp(usize);

impl WarmUp {
    /// Of what has its first value at bar `first` and shows it from bar `shown` on.
    pub(crate) const fn new(first: usize, shown: usize) -> Self {
        Self(shown - first)
    }

    /// The values, or none while warming up.
    #[inline(always)]
    pub(crate) fn show<T>(&mut self, values: T) -> Option<T> {
        if self.0 > 0 {
            self.0 -= 1;
            return None;
        }
        Some(values)
    }
}

/// Weighted average of four bars, 4 for the newest down to 1.
///
/// To show TA-Lib's rounding noise (see the module's head), this keeps TA-Lib's running sums instead of a
/// [`Wma`](super::averages::Wma). An error in one of them is added up by the other, so they drift off in ten thousands of
/// bars, and a price that dwarfs the others makes them useless at once: when they are [`Self::LOST`], they start afresh.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Smoother {
    /// The three values before, the newest first.
    past: [f64; 3],
    /// Sum of the last values, one of which leaves it with the next.
    plain: f64,
    weighted: f64,
    leaving: f64,
    /// Values so far, up to `skip`.
    seen: usize,
    /// Bars to pass over before the first average: TA-Lib lets every cycle begin with more of them than needed.
    skip: usize,
}

impl Smoother {
    /// The share of the window's level by which the running sum may be wrong.
    const LOST: f64 = 1e-9;

    const fn new(skip: usize) -> Self {
        Self { past: [0.0; 3], plain: 0.0, weighted: 0.0, leaving: 0.0, seen: 0, skip }
    }

    #[inline(always)]
    fn next(&mut self, value: f64) -> Option<f64> {
        let [first, second, third] = self.past;
        self.past = [value, first, second];
        if self.seen < 3 {
            self.seen += 1;
            self.plain += value;
            self.weighted += value * float(self.seen);
            return None;
        }
        self.plain += value;
        self.plain -= self.leaving;
        self.weighted += value * 4.0;
        self.leaving = third;
        let exact = value * 4.0 + first * 3.0 + second * 2.0 + third;
        let level = value.abs() + first.abs() + second.abs() + third.abs();
        let lost = (self.weighted - exact).abs();
        if lost.is_nan() || lost > Self::LOST * level {
            self.weighted = exact;
            self.plain = value + first + second + third;
        }
        let smoothed = self.weighted * 0.1;
        self.weighted -= self.plain;
        if self.seen < self.skip {
            self.seen += 1;
            return None;
        }
        Some(smoothed)
    }
}

/// The Hilbert transform of a series as a filter over seven bars, scaled for the cycle's period.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Quadrature {
    /// The six values before, the newest first; zeros before the first.
    past: [f64; 6],
}

impl Quadrature {
    const fn new() -> Self {
        Self { past: [0.0; 6] }
    }

    #[inline(always)]
    fn next(&mut self, value: f64, scale: f64) -> f64 {
        const OUTER: f64 = 0.0962;
        const INNER: f64 = 0.5769;
        let [one, two, three, four, five, six] = self.past;
        self.past = [value, one, two, three, four, five];
        // The order of the steps is TA-Lib's: see the module's head.
        (OUTER * value - OUTER * six - INNER * four + INNER * two) * scale
    }
}

/// The two parts of a bar.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Phasor {
    pub(crate) in_phase: f64,
    pub(crate) quadrature: f64,
}

/// A bar as the cycle sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cycle {
    /// The price, smoothed over four bars.
    pub(crate) smoothed: f64,
    pub(crate) phasor: Phasor,
    /// Period of the dominant cycle in bars, smoothed.
    pub(crate) period: f64,
}

/// The period of the dominant cycle: what MAMA and all HT functions begin with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DominantCycle {
    smoother: Smoother,
    detrender: Quadrature,
    quadrature: Quadrature,
    advanced_in_phase: Quadrature,
    advanced_quadrature: Quadrature,
    /// The last three detrended values, the newest first: the in-phase part is three bars late.
    detrended: [f64; 3],
    /// The smoothed phasor of the bar before.
    turned: Phasor,
    /// How the phasor turns from bar to bar, as a smoothed complex number.
    real: f64,
    imaginary: f64,
    period: f64,
    smooth_period: f64,
}

impl DominantCycle {
    /// TA-Lib's `skip` where only the period matters; its values count from bar [`Self::SHOWN`] on.
    pub(crate) const SKIP: usize = 12;
    pub(crate) const SHOWN: usize = 32;

    /// `skip` bars are passed over first, at least 3.
    pub(crate) const fn new(skip: usize) -> Self {
        Self {
            smoother: Smoother::new(skip),
            detrender: Quadrature::new(),
            quadrature: Quadrature::new(),
            advanced_in_phase: Quadrature::new(),
            advanced_quadrature: Quadrature::new(),
            detrended: [0.0; 3],
            turned: Phasor { in_phase: 0.0, quadrature: 0.0 },
            real: 0.0,
            imaginary: 0.0,
            period: 0.0,
            smooth_period: 0.0,
        }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self, value: f64) -> Option<Cycle> {
        let smoothed = self.smoother.next(value)?;
        let scale = 0.075_f64.mul_add(self.period, 0.54);
        let detrended = self.detrender.next(smoothed, scale);
        let quadrature = self.quadrature.next(detrended, scale);
        let [first, second, in_phase] = self.detrended;
        self.detrended = [detrended, first, second];
        let advanced_in_phase = self.advanced_in_phase.next(in_phase, scale);
        let advanced_quadrature = self.advanced_quadrature.next(quadrature, scale);
        let before = self.turned;
        let turned = Phasor {
            in_phase: 0.2_f64.mul_add(in_phase - advanced_quadrature, 0.8 * before.in_phase),
            quadrature: 0.2_f64.mul_add(quadrature + advanced_in_phase, 0.8 * before.quadrature),
        };
        self.turn(before, turned);
        Some(Cycle { smoothed, phasor: Phasor { in_phase, quadrature }, period: self.smooth_period })
    }

    /// Take the period from how far the phasor turned, within limits.
    #[inline(always)]
    fn turn(&mut self, before: Phasor, now: Phasor) {
        let real = now.in_phase.mul_add(before.in_phase, now.quadrature * before.quadrature);
        let imaginary = now.in_phase * before.quadrature - now.quadrature * before.in_phase;
        self.real = 0.8_f64.mul_add(self.real, 0.2 * real);
        self.imaginary = 0.8_f64.mul_add(self.imaginary, 0.2 * imaginary);
        self.turned = now;
        let old = self.period;
        let mut period = old;
        if self.imaginary != 0.0 && self.real != 0.0 {
            period = 360.0 / ((self.imaginary / self.real).atan() * DEGREES_IN_RADIAN);
        }
        // From bar to bar it grows by half at most and shrinks by a third; it stays within 6..=50 bars.
        if period > 1.5 * old {
            period = 1.5 * old;
        }
        if period < 0.67 * old {
            period = 0.67 * old;
        }
        period = if period < 6.0 { 6.0 } else { period };
        period = if period > 50.0 { 50.0 } else { period };
        self.period = 0.2_f64.mul_add(period, 0.8 * old);
        self.smooth_period = 0.67_f64.mul_add(self.smooth_period, 0.33 * self.period);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(bar: u32) -> f64 {
        100.0 + (f64::from(bar) * std::f64::consts::TAU / 20.0).sin()
    }

    #[test]
    fn a_price_that_dwarfs_the_others_leaves_nothing_behind() {
        let (mut broken, mut whole) = (Smoother::new(3), Smoother::new(3));
        for bar in 0..100 {
            let price = if bar % 40 == 20 { 1e16 } else { wave(bar) };
            let (broken, whole) = (broken.next(price), whole.next(wave(bar)));
            if bar % 40 < 20 || bar % 40 > 23 {
                let near = broken.zip(whole).is_none_or(|(broken, whole)| (broken - whole).abs() < 1e-6);
                assert!(near, "{bar}: {broken:?} {whole:?}");
            }
        }
    }

    #[test]
    fn the_filter_delays_a_wave_by_a_quarter_of_its_cycle() {
        // Scaled for a period of 20 bars: what goes in as a sine comes out, three bars late, as its cosine.
        let mut filter = Quadrature::new();
        let angle = |bar: u32| f64::from(bar) * std::f64::consts::TAU / 20.0;
        for bar in 0..60 {
            let out = filter.next(angle(bar).sin(), 0.075 * 20.0 + 0.54);
            if bar >= 6 {
                assert!((out - angle(bar - 3).cos()).abs() < 0.15, "{bar}: {out} {}", angle(bar - 3).cos());
            }
        }
    }
}
