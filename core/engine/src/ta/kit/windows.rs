//! Rolling sums and moments that read only what is in the window: no drift, and no spike stays after it has left.
//!
//! The series is cut into blocks of `period` values. A window is the end of one block and the beginning of the next:
//! its sum is a suffix sum of the one plus a running sum of the other (van Herk's scheme for extremes, with addition).
//! Nothing is ever subtracted. Amortised O(1) a value; every `period` values one takes O(period).

use serde::{Deserialize, Serialize};

use super::float;
use super::simd::Number;

/// Sum of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sum<N = f64> {
    /// The values of the block being filled.
    block: Vec<N>,
    /// Suffix sums of the block before: `suffix[k]` is the sum of its values from `k` on.
    suffix: Vec<N>,
    /// How many values of the block are there.
    at: usize,
    /// Their sum, in order.
    running: N,
    /// Whether there is a block before.
    warm: bool,
}

impl<N: Number> Sum<N> {
    /// `period` is at least 1.
    pub(crate) fn new(period: usize) -> Self {
        let zero = N::splat(0.0);
        Self { block: vec![zero; period], suffix: vec![zero; period], at: 0, running: zero, warm: false }
    }

    /// The sum with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        self.running += value;
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = value;
        }
        self.at += 1;
        if let Some(older) = self.suffix.get(self.at) {
            return self.warm.then(|| *older + self.running);
        }
        let mut total = N::splat(0.0);
        for (slot, value) in self.suffix.iter_mut().zip(&self.block).rev() {
            total += *value;
            *slot = total;
        }
        let sum = self.running;
        (self.at, self.running, self.warm) = (0, N::splat(0.0), true);
        Some(sum)
    }
}

/// Sum of the last `period` values with weights 1, 2, .., period, the newest heaviest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ramp<N = f64> {
    block: Vec<N>,
    /// Weighted sum of the block before from its value `k` on; the weights begin with 1.
    suffix: Vec<N>,
    at: usize,
    plain: N,
    weighted: N,
    warm: bool,
}

impl<N: Number> Ramp<N> {
    /// `period` is at least 1.
    pub(crate) fn new(period: usize) -> Self {
        let zero = N::splat(0.0);
        let (block, suffix) = (vec![zero; period], vec![zero; period]);
        Self { block, suffix, at: 0, plain: zero, weighted: zero, warm: false }
    }

    /// The weighted sum with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        let period = self.block.len();
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = value;
        }
        self.at += 1;
        self.plain += value;
        self.weighted += value * N::splat(float(self.at));
        if let Some(older) = self.suffix.get(self.at) {
            let shifted = self.weighted + N::splat(float(period - self.at)) * self.plain;
            return self.warm.then(|| *older + shifted);
        }
        let (mut plain, mut weighted) = (N::splat(0.0), N::splat(0.0));
        for (slot, value) in self.suffix.iter_mut().zip(&self.block).rev() {
            plain += *value;
            weighted += plain;
            *slot = weighted;
        }
        let sum = self.weighted;
        (self.at, self.plain, self.weighted, self.warm) = (0, N::splat(0.0), N::splat(0.0), true);
        Some(sum)
    }
}

/// Sums over a window of `d`, a value minus an anchor that lies in the window, and of `i`, its place, 0 for the oldest.
///
/// The textbook `mean(x^2) - mean(x)^2` loses all digits when the level is large against the spread. With an anchor from
/// the window itself, what cancels is never larger than the window's own range.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Moments<N = f64> {
    /// What was subtracted from every value.
    pub(crate) anchor: N,
    /// Sum of d.
    pub(crate) first: N,
    /// Sum of d squared.
    pub(crate) second: N,
    /// Sum of i times d.
    pub(crate) ramp: N,
}

impl<N: Number> Moments<N> {
    /// Mean of the window of `count` values.
    #[inline(always)]
    pub(crate) fn mean(&self, count: f64) -> N {
        self.anchor + self.first * N::splat(1.0 / count)
    }

    /// Sum of squared distances from the window's mean; never negative, but NaN where squares overflow.
    #[inline(always)]
    pub(crate) fn spread(&self, count: f64) -> N {
        let spread = self.second - self.first * self.first * N::splat(1.0 / count);
        spread.larger(N::splat(0.0))
    }

    /// Slope of the least-squares line through the window, per bar.
    #[inline(always)]
    pub(crate) fn slope(&self, count: f64) -> N {
        // Sum of (i - mean of i) * d, over the sum of (i - mean of i) squared.
        let lean = self.ramp - self.first * N::splat((count - 1.0) / 2.0);
        lean * N::splat(12.0 / (count * (count * count - 1.0)))
    }

    /// The least-squares line through the window at bar `at`: 0 for the oldest, `count - 1` for the newest.
    #[inline(always)]
    pub(crate) fn line(&self, count: f64, at: f64) -> N {
        // The small terms first: the level is added once, at the end.
        let rise = self.slope(count) * N::splat(at - (count - 1.0) / 2.0);
        self.anchor + (self.first * N::splat(1.0 / count) + rise)
    }
}

/// Rolling [`Moments`] of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RollingMoments<N = f64> {
    block: Vec<N>,
    /// Moments of the block before from its value `k` on, with its last value as anchor.
    suffix: Vec<Moments<N>>,
    at: usize,
    /// Moments of the block being filled, with the same anchor.
    running: Moments<N>,
    warm: bool,
}

impl<N: Number> RollingMoments<N> {
    /// `period` is at least 1.
    pub(crate) fn new(period: usize) -> Self {
        let nothing = Moments::default();
        Self { block: vec![N::default(); period], suffix: vec![nothing; period], at: 0, running: nothing, warm: false }
    }

    /// The moments with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<Moments<N>> {
        let period = self.block.len();
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = value;
        }
        let d = value - self.running.anchor;
        self.running.first += d;
        self.running.second += d * d;
        self.running.ramp += N::splat(float(self.at)) * d;
        self.at += 1;
        let Some(older) = self.suffix.get(self.at) else {
            // The window is the block itself, whose own last value is the anchor from here on.
            return Some(self.turn(value));
        };
        let newer = &self.running;
        let shift = N::splat(float(period - self.at));
        self.warm.then(|| Moments {
            anchor: newer.anchor,
            first: older.first + newer.first,
            second: older.second + newer.second,
            ramp: older.ramp + (newer.ramp + shift * newer.first),
        })
    }

    /// Begin a new block with `anchor`; the moments of the one that is complete.
    #[inline(always)]
    fn turn(&mut self, anchor: N) -> Moments<N> {
        let mut sums = Moments { anchor, ..Moments::default() };
        for (slot, value) in self.suffix.iter_mut().zip(&self.block).rev() {
            let d = *value - anchor;
            // Everything moves one place on, the newcomer stands at 0.
            sums.ramp += sums.first;
            sums.first += d;
            sums.second += d * d;
            *slot = sums;
        }
        self.running = Moments { anchor, ..Moments::default() };
        (self.at, self.warm) = (0, true);
        sums
    }
}

/// Largest or smallest of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Peak<N = f64> {
    block: Vec<N>,
    /// Extreme of the block before from its value `k` on.
    suffix: Vec<N>,
    at: usize,
    running: N,
    warm: bool,
    largest: bool,
}

impl<N: Number> Peak<N> {
    /// The largest of the last `period` values; `period` is at least 1.
    pub(crate) fn highest(period: usize) -> Self {
        Self::new(period, true)
    }

    /// The smallest of the last `period` values; `period` is at least 1.
    pub(crate) fn lowest(period: usize) -> Self {
        Self::new(period, false)
    }

    fn new(period: usize, largest: bool) -> Self {
        let nothing = N::splat(0.0);
        let (block, suffix) = (vec![nothing; period], vec![nothing; period]);
        Self { block, suffix, at: 0, running: nothing, warm: false, largest }
    }

    #[inline(always)]
    fn pick(&self, older: N, newer: N) -> N {
        if self.largest { older.larger(newer) } else { older.smaller(newer) }
    }

    /// The extreme with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = value;
        }
        self.running = if self.at == 0 { value } else { self.pick(self.running, value) };
        self.at += 1;
        if let Some(older) = self.suffix.get(self.at) {
            return self.warm.then(|| self.pick(*older, self.running));
        }
        let mut best = value;
        let largest = self.largest;
        for (slot, value) in self.suffix.iter_mut().zip(&self.block).rev() {
            best = if largest { best.larger(*value) } else { best.smaller(*value) };
            *slot = best;
        }
        (self.at, self.warm) = (0, true);
        Some(self.running)
    }
}

/// Largest or smallest of the last `period` values, and how many bars ago it was (the newest of equals).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Extreme<N = f64> {
    /// Values of the block being filled, with their sign turned for the smallest.
    block: Vec<N>,
    /// Largest of the block before from its value `k` on, and its place.
    suffix: Vec<(N, N)>,
    at: usize,
    running: (N, N),
    warm: bool,
    /// 1 for the largest, -1 for the smallest.
    sign: f64,
}

impl<N: Number> Extreme<N> {
    /// The largest of the last `period` values; `period` is at least 1.
    pub(crate) fn highest(period: usize) -> Self {
        Self::new(period, 1.0)
    }

    /// The smallest of the last `period` values; `period` is at least 1.
    pub(crate) fn lowest(period: usize) -> Self {
        Self::new(period, -1.0)
    }

    fn new(period: usize, sign: f64) -> Self {
        let nothing = (N::splat(f64::NEG_INFINITY), N::splat(0.0));
        Self {
            block: vec![nothing.0; period],
            suffix: vec![nothing; period],
            at: 0,
            running: nothing,
            warm: false,
            sign,
        }
    }

    /// The extreme with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        self.next_at(value).map(|(extreme, _)| extreme)
    }

    /// The extreme and how many bars ago it was, as a number: 0 for the value just given. Of equals the newest counts.
    #[inline(always)]
    pub(crate) fn next_at(&mut self, value: N) -> Option<(N, N)> {
        let sign = N::splat(self.sign);
        let value = value * sign;
        let period = self.block.len();
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = value;
        }
        let (best, place) = self.running;
        let place = N::if_at_least(value, best, N::splat(float(self.at)), place);
        let best = N::if_at_least(value, best, value, best);
        self.running = (best, place);
        self.at += 1;
        let Some((old, old_place)) = self.suffix.get(self.at).copied() else {
            self.turn();
            return Some((best * sign, N::splat(float(period - 1)) - place));
        };
        let since_block = N::splat(float(self.at - 1));
        let newer = since_block - place;
        let older = N::splat(float(period)) + since_block - old_place;
        let ago = N::if_at_least(best, old, newer, older);
        self.warm.then(|| (N::if_at_least(best, old, best, old) * sign, ago))
    }

    #[inline(always)]
    fn turn(&mut self) {
        let (mut best, mut place) = (N::splat(f64::NEG_INFINITY), N::splat(0.0));
        for (index, (slot, value)) in self.suffix.iter_mut().zip(&self.block).enumerate().rev() {
            // Going backwards an equal value is the older one and does not win.
            place = N::if_above(*value, best, N::splat(float(index)), place);
            best = N::if_above(*value, best, *value, best);
            *slot = (best, place);
        }
        self.running = (N::splat(f64::NEG_INFINITY), N::splat(0.0));
        (self.at, self.warm) = (0, true);
    }
}

impl Extreme<f64> {
    /// As [`Self::next_at`], with a count of bars.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the window, from 0 up")]
    pub(crate) fn next_placed(&mut self, value: f64) -> Option<(f64, usize)> {
        self.next_at(value).map(|(extreme, ago)| (extreme, ago as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(length: u32) -> Vec<f64> {
        (0..length).map(|i| f64::from((i * 7919) % 31) - 9.0).collect()
    }

    #[test]
    fn equal_a_rescan_of_the_window_for_every_period() {
        let real = series(60);
        for period in 1..=13 {
            let count = float(period);
            let (mut sum, mut moments) = (Sum::new(period), RollingMoments::new(period));
            let (mut high, mut low) = (Extreme::highest(period), Extreme::lowest(period));
            for end in 1..=real.len() {
                let value = real.get(end - 1).copied().unwrap_or(f64::NAN);
                let found = (sum.next(value), moments.next(value), high.next_placed(value), low.next(value));
                let Some(window) = end.checked_sub(period).and_then(|start| real.get(start..end)) else {
                    assert!(found.0.is_none() && found.1.is_none() && found.2.is_none() && found.3.is_none());
                    continue;
                };
                let total: f64 = window.iter().sum();
                let (largest, back) = window
                    .iter()
                    .rev()
                    .enumerate()
                    .fold((f64::MIN, 0), |best, (back, &value)| if value > best.0 { (value, back) } else { best });
                assert_eq!(found.0, Some(total));
                assert_eq!(found.2, Some((largest, back)), "{period} {end}");
                assert_eq!(found.3, window.iter().copied().reduce(f64::min));
                let mean = total / count;
                let spread: f64 = window.iter().map(|value| (value - mean).powi(2)).sum();
                let lean: f64 =
                    window.iter().enumerate().map(|(i, value)| (float(i) - (count - 1.0) / 2.0) * value).sum();
                let slope = lean * 12.0 / (count * (count * count - 1.0));
                let moments = found.1.unwrap_or_default();
                assert!((moments.mean(count) - mean).abs() < 1e-12 && (moments.spread(count) - spread).abs() < 1e-9);
                assert!(period == 1 || (moments.slope(count) - slope).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_spike_leaves_nothing_behind() {
        let (mut sum, mut moments) = (Sum::new(30), RollingMoments::new(30));
        for _ in 0..50 {
            let _ = (sum.next(1e16), moments.next(1e16));
        }
        let last = (0..30).map(|i| (sum.next(1.0), moments.next(f64::from(i % 2)))).last();
        assert_eq!(last.and_then(|(sum, _)| sum), Some(30.0));
        assert_eq!(last.and_then(|(_, moments)| moments).map(|moments| moments.spread(30.0)), Some(7.5));
    }
}
