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
use super::lanes::{Recursion, recur};
use super::scratch::with_scratch;
use super::simd::Number;

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

/// The Hilbert transform of a series as a filter over seven bars, scaled for the cycle's period; `past` are the six values
/// before, the newest first; zeros before the first.
#[inline(always)]
fn quarter_behind<N: Number>(past: &mut [N; 6], value: N, scale: N) -> N {
    let (outer, inner) = (N::splat(0.0962), N::splat(0.5769));
    let [one, two, three, four, five, six] = *past;
    *past = [value, one, two, three, four, five];
    // The order of the steps is TA-Lib's: see the module's head.
    (outer * value - outer * six - inner * four + inner * two) * scale
}

/// The two parts of a bar.
#[derive(Clone, Copy, Debug)]
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

/// The numbers the filters remember: the past of four of them, and six of [`Turn`]'s own.
const MEMORY: usize = 5 * 6;

/// How a smoothed price turns the phasor, and so the period of the dominant cycle: it forgets, so it runs in lanes.
#[derive(Clone, Copy)]
struct Turn;

impl Turn {
    /// In phase, quadrature, and the smoothed period.
    #[inline(always)]
    fn next<N: Number>(state: &mut [N; MEMORY], smoothed: N) -> [N; 3] {
        let (filters, _) = state.as_chunks_mut();
        let [detrender, quadrature, advanced_in_phase, advanced_quadrature, own] = filters else {
            return [N::default(); 3];
        };
        // The smoothed phasor of the bar before; how it turns from bar to bar, as a smoothed complex number; the period.
        let [before, before_quadrature, real, imaginary, period, smooth_period] = own;
        let part = |share: f64| N::splat(share);
        let scale = part(0.075).fused(*period, part(0.54));
        let detrended = quarter_behind(detrender, smoothed, scale);
        // The in-phase part is three bars late.
        let [_, _, in_phase, ..] = *quadrature;
        let quadrature = quarter_behind(quadrature, detrended, scale);
        let advanced_in_phase = quarter_behind(advanced_in_phase, in_phase, scale);
        let advanced_quadrature = quarter_behind(advanced_quadrature, quadrature, scale);
        let now = part(0.2).fused(in_phase - advanced_quadrature, part(0.8) * *before);
        let now_quadrature = part(0.2).fused(quadrature + advanced_in_phase, part(0.8) * *before_quadrature);
        let turned = now.fused(*before, now_quadrature * *before_quadrature);
        *real = part(0.8).fused(*real, part(0.2) * turned);
        let turned = now * *before_quadrature - now_quadrature * *before;
        *imaginary = part(0.8).fused(*imaginary, part(0.2) * turned);
        (*before, *before_quadrature) = (now, now_quadrature);
        let (old, zero) = (*period, part(0.0));
        let found = part(360.0) / ((*imaginary / *real).arctangent() * part(DEGREES_IN_RADIAN));
        let found = N::if_equal(*imaginary, zero, old, N::if_equal(*real, zero, old, found));
        // From bar to bar it grows by half at most and shrinks by a third; it stays within 6..=50 bars.
        let found = found.smaller(part(1.5) * old).larger(part(0.67) * old).larger(part(6.0)).smaller(part(50.0));
        *period = part(0.2).fused(found, part(0.8) * old);
        *smooth_period = part(0.67).fused(*smooth_period, part(0.33) * *period);
        [in_phase, quadrature, *smooth_period]
    }
}

impl Recursion<1, MEMORY, 1> for Turn {
    #[inline(always)]
    fn step<N: Number>(&self, state: &mut [N; MEMORY], [smoothed]: [N; 1]) -> [N; 1] {
        let [.., period] = Self::next(state, smoothed);
        [period]
    }

    fn memory(&self) -> usize {
        // An estimate: four averages of a fifth, each of the one before, and the period goes round. A stretch that has not
        // met the one before it by then is computed again.
        400
    }

    fn guess(&self, [smoothed]: [f64; 1]) -> [f64; MEMORY] {
        let mut state = [0.0; MEMORY];
        // No step at the beginning, whose echo would have to die away.
        let (detrender, _) = state.split_at_mut(6);
        detrender.fill(smoothed);
        state
    }
}

/// The period of the dominant cycle: what MAMA and all HT functions begin with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DominantCycle {
    smoother: Smoother,
    turning: [f64; MEMORY],
}

impl DominantCycle {
    /// TA-Lib's `skip` where only the period matters; its values count from bar [`Self::SHOWN`] on.
    pub(crate) const SKIP: usize = 12;
    pub(crate) const SHOWN: usize = 32;

    /// `skip` bars are passed over first, at least 3.
    pub(crate) const fn new(skip: usize) -> Self {
        Self { smoother: Smoother::new(skip), turning: [0.0; MEMORY] }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self, value: f64) -> Option<Cycle> {
        let smoothed = self.smoother.next(value)?;
        let [in_phase, quadrature, period] = Turn::next(&mut self.turning, smoothed);
        Some(Cycle { smoothed, phasor: Phasor { in_phase, quadrature }, period })
    }

    /// The periods of a whole series from bar [`Self::SHOWN`] on; whether they mean something, else the series has prices so
    /// large that their sums overflow.
    pub(crate) fn periods(real: &[f64], out: &mut [f64]) -> bool {
        with_scratch(real.len(), |room| {
            let (mut cycle, mut count) = (Self::new(Self::SKIP), 0);
            // The running sums never forget: one bar after the other.
            for (smoothed, slot) in real.iter().filter_map(|value| cycle.smoother.next(*value)).zip(room.iter_mut()) {
                (*slot, count) = (smoothed, count + 1);
            }
            let (hidden, shown) = room.split_at(count).0.split_at(count.min(Self::SHOWN - Self::SKIP));
            for smoothed in hidden {
                Turn::next(&mut cycle.turning, *smoothed);
            }
            recur(&Turn, &mut cycle.turning, [shown], &mut [out])
        })
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
        let mut past = [0.0; 6];
        let angle = |bar: u32| f64::from(bar) * std::f64::consts::TAU / 20.0;
        for bar in 0..60 {
            let out = quarter_behind(&mut past, angle(bar).sin(), 0.075 * 20.0 + 0.54);
            if bar >= 6 {
                assert!((out - angle(bar - 3).cos()).abs() < 0.15, "{bar}: {out} {}", angle(bar - 3).cos());
            }
        }
    }
}
