//! Moments of a rolling window and the least-squares line through it, in blocks as the sums of `windows`.
//!
//! The textbook `mean(x^2) - mean(x)^2` loses all digits when the level is large against the spread. So everything is
//! summed over `d`, a value minus an anchor that lies in the window: what cancels is never larger than the window's own
//! range.

use serde::{Deserialize, Serialize};

use super::float;
use super::simd::Number;
use super::windows::NOTHING;

/// Sums over a window of `d`, a value minus the anchor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments<N = f64> {
    /// What was subtracted from every value.
    anchor: N,
    /// Sum of d.
    first: N,
    /// Sum of d squared.
    second: N,
}

impl<N: Number> Moments<N> {
    /// Mean of the window; `share` is 1 / the count of its values.
    #[inline(always)]
    pub(crate) fn mean(&self, share: N) -> N {
        self.anchor + self.first * share
    }

    /// Mean of the squared distances from the window's mean; never negative, but NaN where squares overflow.
    #[inline(always)]
    pub(crate) fn variance(&self, share: N) -> N {
        let mean = self.first * share;
        (self.second * share - mean * mean).larger(N::splat(0.0))
    }
}

/// Rolling [`Moments`] of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RollingMoments<N = f64> {
    /// Values of the block being filled, in front; then both sums of the block before from there on.
    slots: Vec<(N, N)>,
    at: usize,
    /// The last value of the block before, from which all distances are taken.
    anchor: N,
    /// Both sums of the block being filled.
    running: (N, N),
    warm: bool,
}

impl<N: Number> RollingMoments<N> {
    /// `period` is at least 1.
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let nothing = (N::splat(NOTHING), N::splat(NOTHING));
        Self { slots: vec![nothing; period], at: 0, anchor: N::splat(0.0), running: nothing, warm: false }
    }

    /// The moments with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<Moments<N>> {
        if let Some([slot, (first, second), ..]) = self.slots.get_mut(self.at..) {
            slot.0 = value;
            self.at += 1;
            let d = value - self.anchor;
            self.running = (self.running.0 + d, self.running.1 + d * d);
            let (newer_first, newer_second) = self.running;
            let (first, second) = (*first + newer_first, *second + newer_second);
            return self.warm.then_some(Moments { anchor: self.anchor, first, second });
        }
        // The window is the block itself, whose own last value is the anchor from here on.
        if let Some(slot) = self.slots.last_mut() {
            slot.0 = value;
        }
        let nothing = N::splat(NOTHING);
        let (mut first, mut second) = (nothing, nothing);
        for slot in self.slots.iter_mut().rev() {
            let d = slot.0 - value;
            first += d;
            second += d * d;
            *slot = (first, second);
        }
        (self.at, self.anchor, self.running, self.warm) = (0, value, (nothing, nothing), true);
        Some(Moments { anchor: value, first, second })
    }
}

/// What is read off a least-squares line, as weights of the two sums of [`LineSums`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Reading<N = f64> {
    first: N,
    ramp: N,
}

impl<N: Number> Reading<N> {
    /// Height of the line through `count` values at bar `at`: 0 for the oldest, `count - 1` for the newest.
    #[inline(always)]
    pub(crate) fn height(count: usize, at: f64) -> Self {
        let (slope, rise) = (Self::slope(count), N::splat(at - (float(count) - 1.0) / 2.0));
        Self { first: N::splat(1.0 / float(count)) + slope.first * rise, ramp: slope.ramp * rise }
    }

    /// Rise per bar of the line through `count` values; a single one lies on a level line.
    #[inline(always)]
    pub(crate) fn slope(count: usize) -> Self {
        if count < 2 {
            return Self { first: N::splat(0.0), ramp: N::splat(0.0) };
        }
        let count = float(count);
        // Sum of (i - mean of i) * d, over the sum of (i - mean of i) squared.
        let ramp = 12.0 / (count * (count * count - 1.0));
        Self { first: N::splat(-ramp * (count - 1.0) / 2.0), ramp: N::splat(ramp) }
    }
}

/// Sums over a window of `d`, a value minus the anchor, and of `i` times d, where `i` is 0 for the oldest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineSums<N = f64> {
    anchor: N,
    first: N,
    ramp: N,
}

impl<N: Number> LineSums<N> {
    /// The slope, from [`Reading::slope`].
    #[inline(always)]
    pub(crate) fn slope(&self, reading: Reading<N>) -> N {
        self.first * reading.first + self.ramp * reading.ramp
    }

    /// The height at a bar, from [`Reading::height`].
    #[inline(always)]
    pub(crate) fn height(&self, reading: Reading<N>) -> N {
        // The small terms first: the level is added once, at the end.
        self.anchor + self.slope(reading)
    }
}

/// Rolling [`LineSums`] of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RollingLine<N = f64> {
    /// Values of the block being filled, in front; then both sums of the block before from there on.
    slots: Vec<(N, N)>,
    at: usize,
    /// The last value of the block before, from which all distances are taken.
    anchor: N,
    /// Of the block being filled: the sum of d, and the sum of d times how many came after it.
    running: (N, N),
    /// Place of the newest value in the window.
    newest: N,
    warm: bool,
}

impl<N: Number> RollingLine<N> {
    /// `period` is at least 1.
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let nothing = (N::splat(NOTHING), N::splat(NOTHING));
        let (slots, newest) = (vec![nothing; period], N::splat(float(period) - 1.0));
        Self { slots, at: 0, anchor: N::splat(0.0), running: nothing, newest, warm: false }
    }

    /// The sums with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<LineSums<N>> {
        if let Some([slot, (first, ramp), ..]) = self.slots.get_mut(self.at..) {
            slot.0 = value;
            self.at += 1;
            let lag = self.running.1 + self.running.0;
            let newer = self.running.0 + (value - self.anchor);
            self.running = (newer, lag);
            let (first, ramp) = (*first + newer, *ramp + (self.newest * newer - lag));
            return self.warm.then_some(LineSums { anchor: self.anchor, first, ramp });
        }
        // The window is the block itself, whose own last value is the anchor from here on.
        if let Some(slot) = self.slots.last_mut() {
            slot.0 = value;
        }
        let nothing = N::splat(NOTHING);
        let (mut first, mut ramp) = (nothing, nothing);
        for slot in self.slots.iter_mut().rev() {
            let d = slot.0 - value;
            // Everything moves one place on, the newcomer stands at 0.
            ramp += first;
            first += d;
            *slot = (first, ramp);
        }
        (self.at, self.anchor, self.running, self.warm) = (0, value, (nothing, nothing), true);
        Some(LineSums { anchor: value, first, ramp })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_a_rescan_of_the_window_at_any_level() {
        let real: Vec<f64> = (0..60_u32).map(|i| f64::from((i * 7919) % 31) - 9.0).collect();
        for (period, level) in (1..=13).flat_map(|period| [(period, 0.0), (period, 1e12)]) {
            let (count, share) = (float(period), 1.0 / float(period));
            let (mut moments, mut line) = (RollingMoments::new(period), RollingLine::new(period));
            for end in 1..=real.len() {
                let value = real.get(end - 1).copied().unwrap_or(f64::NAN) + level;
                let found = moments.next(value).zip(line.next(value));
                let Some(window) = end.checked_sub(period).and_then(|start| real.get(start..end)) else {
                    assert!(found.is_none());
                    continue;
                };
                assert!(found.is_some(), "nothing at {end}");
                let Some((moments, line)) = found else { continue };
                let mean = window.iter().sum::<f64>() * share;
                let variance = window.iter().map(|value| (value - mean).powi(2)).sum::<f64>() * share;
                let near = |a: f64, b: f64| (a - b).abs() < if level > 0.0 { 1e-3 } else { 1e-12 };
                assert!(near(moments.mean(share), mean + level));
                assert!((moments.variance(share) - variance).abs() < 1e-11);
                if period > 1 {
                    let middle = (count - 1.0) / 2.0;
                    let lean: f64 = window.iter().enumerate().map(|(i, value)| (float(i) - middle) * value).sum();
                    let slope = lean * 12.0 / (count * (count * count - 1.0));
                    assert!((line.slope(Reading::slope(period)) - slope).abs() < 1e-12);
                    let ahead = line.height(Reading::height(period, count));
                    assert!(near(ahead, mean + level + slope * (count - middle)), "{ahead}");
                }
            }
        }
    }

    #[test]
    fn a_spike_leaves_nothing_behind() {
        let mut moments = RollingMoments::new(30);
        for _ in 0..50 {
            let _ = moments.next(1e16);
        }
        let last = (0..30).map(|i| moments.next(f64::from(i % 2))).last().flatten();
        assert_eq!(last.map(|moments| moments.variance(1.0 / 30.0)), Some(0.25));
    }
}
