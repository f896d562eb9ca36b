//! Sums over rolling windows, kept centred so that a large price level or an old spike does not eat the digits.
//!
//! The textbook `mean(x^2) - mean(x)^2` loses all digits when the level is large against the spread. Here the sums are
//! of `x - centre`; they are taken afresh (with the window's own mean as centre) after every `REFRESH` windows, and as
//! soon as the spread has fallen so far below what the sums have carried that rounding could show. Amortised O(1).

use super::{REFRESH, float};

/// Take the sums afresh when the spread falls below this share of the largest sum of squares carried since.
const SPREAD_SHARE: f64 = 1e-2;

/// Centred sums of one window: `d` is the value minus a centre, `i` its position, 0 for the oldest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    /// Sum of d.
    pub(crate) first: f64,
    /// Sum of d squared.
    pub(crate) second: f64,
    /// Sum of i times d.
    pub(crate) ramp: f64,
}

impl Moments {
    fn of(window: &[f64], count: f64) -> (Self, f64) {
        // Dividing the sum of differences from the first value keeps equal values exactly at the centre.
        let base = window.first().copied().unwrap_or(0.0);
        let centre = base + window.iter().map(|value| value - base).sum::<f64>() / count;
        let mut sums = Self::default();
        for (index, value) in window.iter().enumerate() {
            let d = value - centre;
            sums.first += d;
            sums.second += d * d;
            sums.ramp += float(index) * d;
        }
        (sums, centre)
    }

    /// Sum of squared distances from the window's mean; never negative.
    pub(crate) fn spread(&self, count: f64) -> f64 {
        let spread = self.second - self.first * self.first / count;
        // Not `max`: that would turn NaN into 0.
        if spread < 0.0 { 0.0 } else { spread }
    }
}

/// Write `finish(sums, period)` for every window of `period` values; `out[j]` belongs to `real[j..j + period]`.
#[inline]
pub(crate) fn rolling(real: &[f64], period: usize, finish: impl Fn(&Moments, f64) -> f64, out: &mut [f64]) {
    let count = float(period);
    let refresh = REFRESH.max(period);
    let mut windows = real.windows(period).zip(out);
    let Some((window, slot)) = windows.next() else { return };
    let (mut sums, mut centre) = Moments::of(window, count);
    let (mut peak, mut age) = (sums.second, 0_usize);
    let mut oldest = window.first().copied().unwrap_or(f64::NAN);
    *slot = finish(&sums, count);
    for (window, slot) in windows {
        let (leaving, entering) = (oldest - centre, window.last().copied().unwrap_or(f64::NAN) - centre);
        sums.first -= leaving;
        sums.ramp += (count - 1.0) * entering - sums.first;
        sums.first += entering;
        sums.second += entering * entering - leaving * leaving;
        peak = peak.max(sums.second);
        age += 1;
        // Both comparisons are false once the sums hold a NaN: it stays, as in TA-Lib.
        let worn = age >= refresh && sums.second.is_finite();
        if worn || sums.spread(count) < SPREAD_SHARE * peak {
            (sums, centre) = Moments::of(window, count);
            (peak, age) = (sums.second, 0);
        }
        oldest = window.first().copied().unwrap_or(f64::NAN);
        *slot = finish(&sums, count);
    }
}
