//! Moving averages, as kernels other indicators build on.
//!
//! All take `real` of length `n` and write `n - (period - 1)` values; value `j` belongs to the window that ends at
//! `real[j + period - 1]`. O(n) for every period.

use super::{REFRESH, float};

/// Which moving average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Average {
    /// Mean of the window.
    Simple,
    /// Exponential, seeded with the mean of the first window.
    Exponential,
    /// Linear weights, the newest heaviest.
    Weighted,
}

/// The moving average of that kind.
pub(crate) fn moving_average(kind: Average, real: &[f64], period: usize, out: &mut [f64]) {
    match kind {
        Average::Simple => simple(real, period, out),
        Average::Exponential => exponential(real, period, out),
        Average::Weighted => weighted(real, period, out),
    }
}

/// The moving average of that kind in a new vector; empty when `real` is shorter than the window.
pub(crate) fn moving_average_vec(kind: Average, real: &[f64], period: usize) -> Vec<f64> {
    let mut out = vec![0.0; (real.len() + 1).saturating_sub(period)];
    moving_average(kind, real, period, &mut out);
    out
}

/// Mean of each window by a running sum.
pub(crate) fn simple(real: &[f64], period: usize, out: &mut [f64]) {
    let (mut total, count) = (0.0, float(period));
    refreshed(real, period, out, |real, slots| {
        let (head, newest) = real.split_at(period - 1);
        if f64::is_finite(total) {
            total = head.iter().sum();
        }
        for ((slot, value), oldest) in slots.iter_mut().zip(newest).zip(real) {
            total += value;
            *slot = total / count;
            total -= oldest;
        }
    });
}

/// Exponential average with weight `2 / (period + 1)`, seeded with the mean of the first window.
pub(crate) fn exponential(real: &[f64], period: usize, out: &mut [f64]) {
    let (seed, newest) = real.split_at(period);
    let mut average = Exponential::seeded(seed);
    let mut slots = out.iter_mut();
    if let Some(slot) = slots.next() {
        *slot = average.value();
    }
    for (slot, value) in slots.zip(newest) {
        *slot = average.next(*value);
    }
}

/// An exponential average on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exponential {
    average: f64,
    weight: f64,
}

impl Exponential {
    /// Seeded with the mean of `window`, whose length is the period.
    pub(crate) fn seeded(window: &[f64]) -> Self {
        let average = window.iter().sum::<f64>() / float(window.len());
        Self { average, weight: 2.0 / float(window.len() + 1) }
    }

    /// The average so far.
    pub(crate) const fn value(&self) -> f64 {
        self.average
    }

    /// The average with one more value.
    pub(crate) fn next(&mut self, value: f64) -> f64 {
        // With a period of 1 the recursion would be the identity but for rounding.
        self.average = if self.weight == 1.0 { value } else { self.average + (value - self.average) * self.weight };
        self.average
    }
}

/// Weights 1, 2, .., period over each window: the weighted sum moves on by the plain one.
pub(crate) fn weighted(real: &[f64], period: usize, out: &mut [f64]) {
    let heaviest = float(period);
    let divider = heaviest * (heaviest + 1.0) / 2.0;
    let (mut plain, mut weighted) = (0.0, 0.0);
    refreshed(real, period, out, |real, slots| {
        let (head, newest) = real.split_at(period - 1);
        if f64::is_finite(weighted) {
            plain = head.iter().sum();
            weighted = head.iter().enumerate().map(|(index, value)| value * float(index + 1)).sum();
        }
        for ((slot, value), oldest) in slots.iter_mut().zip(newest).zip(real) {
            plain += value;
            weighted += value * heaviest;
            *slot = weighted / divider;
            weighted -= plain;
            plain -= oldest;
        }
    });
}

/// Run `part` on stretches of windows; each may take its sums afresh, so that rounding, or an old spike, cannot stay.
///
/// A sum that is no longer finite must be left alone: after a NaN TA-Lib's averages are NaN to the end.
fn refreshed(real: &[f64], period: usize, out: &mut [f64], mut part: impl FnMut(&[f64], &mut [f64])) {
    let stretch = REFRESH.max(period);
    let mut rest = real;
    for slots in out.chunks_mut(stretch) {
        part(rest, slots);
        rest = rest.split_at(slots.len()).1;
    }
}
