//! Rolling sums and moments that read only what is in the window: no drift, and no spike stays after it has left.
//!
//! The series is cut into blocks of `period` values. A window is the end of one block and the beginning of the next:
//! its sum is a suffix sum of the one plus a running sum of the other (van Herk's scheme for extremes, with addition).
//! Nothing is ever subtracted. Amortised O(1) a value; every `period` values one takes O(period).

use serde::{Deserialize, Serialize};

use super::float;

/// Sum of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sum {
    /// The values of the block being filled.
    block: Vec<f64>,
    /// Suffix sums of the block before: `suffix[k]` is the sum of its values from `k` on.
    suffix: Vec<f64>,
    /// How many values of the block are there.
    at: usize,
    /// Their sum, in order.
    running: f64,
    /// Whether there is a block before.
    warm: bool,
}

impl Sum {
    /// `period` is at least 1.
    pub(crate) fn new(period: usize) -> Self {
        Self { block: vec![0.0; period], suffix: vec![0.0; period], at: 0, running: 0.0, warm: false }
    }

    /// The sum with one more value, or `None` before there are `period`.
    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        self.running += value;
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = value;
        }
        self.at += 1;
        if self.at < self.block.len() {
            let older = self.suffix.get(self.at).copied().unwrap_or(f64::NAN);
            return self.warm.then_some(older + self.running);
        }
        let mut total = 0.0;
        for (slot, value) in self.suffix.iter_mut().zip(&self.block).rev() {
            total += value;
            *slot = total;
        }
        let sum = self.running;
        (self.at, self.running, self.warm) = (0, 0.0, true);
        Some(sum)
    }
}

/// Sums over a window of `d`, a value minus an anchor that lies in the window, and of `i`, its place, 0 for the oldest.
///
/// The textbook `mean(x^2) - mean(x)^2` loses all digits when the level is large against the spread. With an anchor from
/// the window itself, what cancels is never larger than the window's own range.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Moments {
    /// What was subtracted from every value.
    pub(crate) anchor: f64,
    /// Sum of d.
    pub(crate) first: f64,
    /// Sum of d squared.
    pub(crate) second: f64,
    /// Sum of i times d.
    pub(crate) ramp: f64,
}

impl Moments {
    /// Mean of the window of `count` values.
    pub(crate) fn mean(&self, count: f64) -> f64 {
        self.anchor + self.first / count
    }

    /// Sum of squared distances from the window's mean; never negative, but NaN where squares overflow.
    pub(crate) fn spread(&self, count: f64) -> f64 {
        let spread = self.second - self.first * self.first / count;
        if spread < 0.0 { 0.0 } else { spread }
    }

    /// Slope of the least-squares line through the window, per bar.
    pub(crate) fn slope(&self, count: f64) -> f64 {
        // Sum of (i - mean of i) * d, over the sum of (i - mean of i) squared.
        let lean = self.ramp - self.first * (count - 1.0) / 2.0;
        lean * 12.0 / (count * (count * count - 1.0))
    }

    /// The least-squares line through the window at bar `at`: 0 for the oldest, `count - 1` for the newest.
    pub(crate) fn line(&self, count: f64, at: f64) -> f64 {
        // The small terms first: the level is added once, at the end.
        self.anchor + (self.first / count + self.slope(count) * (at - (count - 1.0) / 2.0))
    }
}

/// Rolling [`Moments`] of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RollingMoments {
    block: Vec<f64>,
    /// Moments of the block before from its value `k` on, with its last value as anchor.
    suffix: Vec<Moments>,
    at: usize,
    /// Moments of the block being filled, with the same anchor.
    running: Moments,
    warm: bool,
}

impl RollingMoments {
    /// `period` is at least 1.
    pub(crate) fn new(period: usize) -> Self {
        let suffix = vec![Moments::default(); period];
        Self { block: vec![0.0; period], suffix, at: 0, running: Moments::default(), warm: false }
    }

    /// The moments with one more value, or `None` before there are `period`.
    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<Moments> {
        let period = self.block.len();
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = value;
        }
        let d = value - self.running.anchor;
        self.running.first += d;
        self.running.second += d * d;
        self.running.ramp += float(self.at) * d;
        self.at += 1;
        if self.at == period {
            // The window is the block itself, whose own last value is the anchor from here on.
            return Some(self.turn(value));
        }
        let (older, newer) = (self.suffix.get(self.at).copied()?, &self.running);
        self.warm.then(|| Moments {
            anchor: newer.anchor,
            first: older.first + newer.first,
            second: older.second + newer.second,
            ramp: older.ramp + (newer.ramp + float(period - self.at) * newer.first),
        })
    }

    /// Begin a new block with `anchor`; the moments of the one that is complete.
    fn turn(&mut self, anchor: f64) -> Moments {
        let mut sums = Moments { anchor, ..Moments::default() };
        for (slot, value) in self.suffix.iter_mut().zip(&self.block).rev() {
            let d = value - anchor;
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

/// Largest or smallest of the last `period` values, and how many bars ago it was (the newest of equals).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Extreme {
    block: Vec<f64>,
    /// Extreme of the block before from its value `k` on, and its place.
    suffix: Vec<(f64, usize)>,
    at: usize,
    running: (f64, usize),
    warm: bool,
    largest: bool,
}

impl Extreme {
    /// The largest of the last `period` values; `period` is at least 1.
    pub(crate) fn highest(period: usize) -> Self {
        Self::new(period, true)
    }

    /// The smallest of the last `period` values; `period` is at least 1.
    pub(crate) fn lowest(period: usize) -> Self {
        Self::new(period, false)
    }

    fn new(period: usize, largest: bool) -> Self {
        let nothing = (f64::NAN, 0);
        Self { block: vec![0.0; period], suffix: vec![nothing; period], at: 0, running: nothing, warm: false, largest }
    }

    /// Whether `new` takes the place of an older `old`.
    fn beats(&self, new: f64, old: f64) -> bool {
        if self.largest { new >= old } else { new <= old }
    }

    /// The extreme with one more value, or `None` before there are `period`.
    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        self.next_placed(value).map(|(extreme, _)| extreme)
    }

    /// The extreme and how many bars ago it was: 0 for the value just given. Of equals the newest counts.
    #[inline]
    pub(crate) fn next_placed(&mut self, value: f64) -> Option<(f64, usize)> {
        let period = self.block.len();
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = value;
        }
        if self.at == 0 || self.beats(value, self.running.0) {
            self.running = (value, self.at);
        }
        self.at += 1;
        let (best, place) = self.running;
        if self.at == period {
            self.turn();
            return Some((best, period - 1 - place));
        }
        let (old, old_place) = self.suffix.get(self.at).copied()?;
        let newer_wins = self.beats(best, old);
        let found = if newer_wins { (best, self.at - 1 - place) } else { (old, period - 1 - old_place + self.at) };
        self.warm.then_some(found)
    }

    fn turn(&mut self) {
        let mut best = (f64::NAN, 0);
        for place in (0..self.block.len()).rev() {
            let value = self.block.get(place).copied().unwrap_or(f64::NAN);
            // Going backwards an equal value is the older one and does not win.
            let wins = if self.largest { value > best.0 } else { value < best.0 };
            if wins || best.0.is_nan() {
                best = (value, place);
            }
            if let Some(slot) = self.suffix.get_mut(place) {
                *slot = best;
            }
        }
        (self.at, self.warm) = (0, true);
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
