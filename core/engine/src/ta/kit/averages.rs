//! Moving averages, as kernels other indicators build on.
//!
//! All take `real` of length `n` and write `n - (period - 1)` values; value `j` belongs to the window that ends at
//! `real[j + period - 1]`. O(n) for every period.

use super::float;

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
    let mut newest = real.iter();
    for value in newest.by_ref().take(period - 1) {
        total += value;
    }
    for ((slot, value), oldest) in out.iter_mut().zip(newest).zip(real) {
        total += value;
        *slot = total / count;
        total -= oldest;
    }
}

/// Exponential average with weight `2 / (period + 1)`, seeded with the mean of the first window.
pub(crate) fn exponential(real: &[f64], period: usize, out: &mut [f64]) {
    if period == 1 {
        // The recursion would be the identity but for rounding.
        out.copy_from_slice(real);
        return;
    }
    let weight = 2.0 / float(period + 1);
    let (mut newest, mut slots) = (real.iter(), out.iter_mut());
    let mut average = newest.by_ref().take(period).sum::<f64>() / float(period);
    if let Some(slot) = slots.next() {
        *slot = average;
    }
    for (slot, value) in slots.zip(newest) {
        average += (value - average) * weight;
        *slot = average;
    }
}

/// Weights 1, 2, .., period over each window: the weighted sum moves on by the plain one.
pub(crate) fn weighted(real: &[f64], period: usize, out: &mut [f64]) {
    let (mut plain, mut weighted, mut leaving) = (0.0, 0.0, 0.0);
    let heaviest = float(period);
    let divider = heaviest * (heaviest + 1.0) / 2.0;
    let mut newest = real.iter();
    for (index, value) in newest.by_ref().take(period - 1).enumerate() {
        plain += value;
        weighted += value * float(index + 1);
    }
    for ((slot, value), oldest) in out.iter_mut().zip(newest).zip(real) {
        plain += value;
        plain -= leaving;
        weighted += value * heaviest;
        leaving = *oldest;
        *slot = weighted / divider;
        weighted -= plain;
    }
}
