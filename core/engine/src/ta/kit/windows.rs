//! Rolling sums and extremes that read only what is in the window: no drift, and no spike stays after it has left.
//!
//! The series is cut into blocks of `period` values. A window is the end of one block and the beginning of the next:
//! its sum is a suffix sum of the one plus a running sum of the other (van Herk's scheme for extremes, with addition).
//! Nothing is ever taken out again. Amortised O(1) a value; every `period` values one takes O(period).
//!
//! One space of `period` slots holds both: while a block is filled, the slots up to `at` are its values, and the slots
//! behind are the suffix sums of the block before that are still to be read.
//!
//! Everything is inlined, constructors too: a state that a call has written to would stay in memory in the tile loops of
//! `lanes`, instead of in registers. And their constants are N, not f64: those the compiler packs together with lengths and
//! places, and takes out again bar by bar.

use serde::{Deserialize, Serialize};

use super::float;
use super::simd::Number;

/// What leaves every number as it is when added to it, a zero's sign included.
pub(crate) const NOTHING: f64 = -0.0;

/// Sum of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sum<N = f64> {
    /// Values of the block being filled, then suffix sums of the block before.
    slots: Vec<N>,
    /// How many values of the block are there.
    at: usize,
    /// Their sum, in order.
    running: N,
    /// Whether there is a block before.
    warm: bool,
}

impl<N: Number> Sum<N> {
    /// `period` is at least 1.
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let nothing = N::splat(NOTHING);
        Self { slots: vec![nothing; period], at: 0, running: nothing, warm: false }
    }

    /// The sum with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        let sum = self.running + value;
        if let Some([slot, older, ..]) = self.slots.get_mut(self.at..) {
            *slot = value;
            self.at += 1;
            self.running = sum;
            return self.warm.then(|| *older + sum);
        }
        if let Some(slot) = self.slots.last_mut() {
            *slot = value;
        }
        let mut total = N::splat(NOTHING);
        for slot in self.slots.iter_mut().rev() {
            total += *slot;
            *slot = total;
        }
        (self.at, self.running, self.warm) = (0, N::splat(NOTHING), true);
        Some(sum)
    }
}

/// Sum of the last `period` values with weights 1, 2, .., period, the newest heaviest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ramp<N = f64> {
    /// Values of the block being filled, then weighted sums of the block before from there on, weights from 1 up.
    slots: Vec<N>,
    at: usize,
    /// Sum of the block's values.
    plain: N,
    /// Sum of the block's values, each times how many came after it.
    lag: N,
    period: N,
    warm: bool,
}

impl<N: Number> Ramp<N> {
    /// `period` is at least 1.
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let nothing = N::splat(NOTHING);
        let slots = vec![nothing; period];
        Self { slots, at: 0, plain: nothing, lag: nothing, period: N::splat(float(period)), warm: false }
    }

    /// The weighted sum with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        let lag = self.lag + self.plain;
        let plain = self.plain + value;
        let weighted = self.period * plain - lag;
        if let Some([slot, older, ..]) = self.slots.get_mut(self.at..) {
            *slot = value;
            self.at += 1;
            (self.plain, self.lag) = (plain, lag);
            return self.warm.then(|| *older + weighted);
        }
        if let Some(slot) = self.slots.last_mut() {
            *slot = value;
        }
        let nothing = N::splat(NOTHING);
        let (mut plain, mut total) = (nothing, nothing);
        for slot in self.slots.iter_mut().rev() {
            plain += *slot;
            total += plain;
            *slot = total;
        }
        (self.at, self.plain, self.lag, self.warm) = (0, nothing, nothing, true);
        Some(weighted)
    }
}

/// Largest of the last `period` values.
pub(crate) type Maximum<N = f64> = Peak<N, true>;

/// Smallest of the last `period` values.
pub(crate) type Minimum<N = f64> = Peak<N, false>;

/// Largest or smallest of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Peak<N, const LARGEST: bool> {
    /// Values of the block being filled, then extremes of the block before from there on.
    slots: Vec<N>,
    at: usize,
    /// Extreme of the block being filled.
    running: N,
    warm: bool,
}

impl<N: Number, const LARGEST: bool> Peak<N, LARGEST> {
    /// What every number beats.
    const WORST: f64 = if LARGEST { f64::NEG_INFINITY } else { f64::INFINITY };

    /// `period` is at least 1.
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let worst = N::splat(Self::WORST);
        Self { slots: vec![worst; period], at: 0, running: worst, warm: false }
    }

    #[inline(always)]
    fn pick(older: N, newer: N) -> N {
        if LARGEST { older.larger(newer) } else { older.smaller(newer) }
    }

    /// The extreme with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        let best = Self::pick(self.running, value);
        if let Some([slot, older, ..]) = self.slots.get_mut(self.at..) {
            *slot = value;
            self.at += 1;
            self.running = best;
            return self.warm.then(|| Self::pick(*older, best));
        }
        if let Some(slot) = self.slots.last_mut() {
            *slot = value;
        }
        let mut peak = N::splat(Self::WORST);
        for slot in self.slots.iter_mut().rev() {
            peak = Self::pick(peak, *slot);
            *slot = peak;
        }
        (self.at, self.running, self.warm) = (0, N::splat(Self::WORST), true);
        Some(best)
    }
}

/// Largest or smallest of the last `period` values, and how many bars ago it was (the newest of equals).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Extreme<N = f64> {
    /// Values of the block being filled, with their sign turned for the smallest; then the largest of the block before
    /// from there on, and how many bars before the block's end it was.
    slots: Vec<(N, N)>,
    at: usize,
    /// Largest of the block being filled, and how many bars ago it was.
    running: (N, N),
    /// How many bars ago the block before ended.
    since: N,
    warm: bool,
    /// 1 for the largest, -1 for the smallest.
    sign: N,
}

impl<N: Number> Extreme<N> {
    /// The largest of the last `period` values; `period` is at least 1.
    #[inline(always)]
    pub(crate) fn highest(period: usize) -> Self {
        Self::new(period, 1.0)
    }

    /// The smallest of the last `period` values; `period` is at least 1.
    #[inline(always)]
    pub(crate) fn lowest(period: usize) -> Self {
        Self::new(period, -1.0)
    }

    #[inline(always)]
    fn new(period: usize, sign: f64) -> Self {
        let zero = N::splat(0.0);
        let worst = (N::splat(f64::NEG_INFINITY), zero);
        Self { slots: vec![worst; period], at: 0, running: worst, since: zero, warm: false, sign: N::splat(sign) }
    }

    /// The extreme with one more value, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        self.next_at(value).map(|(extreme, _)| extreme)
    }

    /// The extreme and how many bars ago it was, as a number: 0 for the value just given. Of equals the newest counts.
    #[inline(always)]
    pub(crate) fn next_at(&mut self, value: N) -> Option<(N, N)> {
        let (sign, zero, one) = (self.sign, N::splat(0.0), N::splat(1.0));
        let value = value * sign;
        let ago = N::if_at_least(value, self.running.0, zero, self.running.1 + one);
        let best = self.running.0.larger(value);
        self.since += one;
        if let Some([slot, (old, before), ..]) = self.slots.get_mut(self.at..) {
            slot.0 = value;
            self.at += 1;
            self.running = (best, ago);
            let ago = N::if_at_least(best, *old, ago, self.since + *before);
            return self.warm.then(|| (old.larger(best) * sign, ago));
        }
        if let Some(slot) = self.slots.last_mut() {
            slot.0 = value;
        }
        let worst = N::splat(f64::NEG_INFINITY);
        let (mut peak, mut place, mut before) = (worst, zero, zero);
        for slot in self.slots.iter_mut().rev() {
            // Going backwards an equal value is the older one and does not win.
            place = N::if_above(slot.0, peak, before, place);
            peak = peak.larger(slot.0);
            before += one;
            *slot = (peak, place);
        }
        (self.at, self.running, self.since, self.warm) = (0, (worst, zero), zero, true);
        Some((best * sign, ago))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_a_rescan_of_the_window_for_every_period() {
        let real: Vec<f64> = (0..60_u32).map(|i| f64::from((i * 7919) % 31) - 9.0).collect();
        for period in 1..=13 {
            let (mut sum, mut ramp) = (Sum::new(period), Ramp::new(period));
            let (mut high, mut low) = (Maximum::new(period), Minimum::new(period));
            let (mut highest, mut lowest) = (Extreme::highest(period), Extreme::lowest(period));
            for end in 1..=real.len() {
                let value = real.get(end - 1).copied().unwrap_or(f64::NAN);
                let sums = (sum.next(value), ramp.next(value));
                let peaks = (high.next(value), low.next(value));
                let placed = (highest.next_at(value), lowest.next(value));
                let Some(window) = end.checked_sub(period).and_then(|start| real.get(start..end)) else {
                    assert_eq!((sums, peaks, placed), ((None, None), (None, None), (None, None)));
                    continue;
                };
                let ramp: f64 = window.iter().zip(1_u32..).map(|(value, weight)| value * f64::from(weight)).sum();
                assert_eq!(sums, (Some(window.iter().sum()), Some(ramp)));
                let (largest, back) = window
                    .iter()
                    .rev()
                    .enumerate()
                    .fold((f64::MIN, 0), |best, (back, &value)| if value > best.0 { (value, back) } else { best });
                let smallest = window.iter().copied().reduce(f64::min);
                assert_eq!(placed, (Some((largest, float(back))), smallest), "{period} {end}");
                assert_eq!(peaks, (Some(largest), smallest));
            }
        }
    }

    #[test]
    fn a_spike_leaves_nothing_behind() {
        let (mut sum, mut ramp) = (Sum::new(30), Ramp::new(30));
        for _ in 0..50 {
            let _ = (sum.next(1e16), ramp.next(1e16));
        }
        let last = (0..30).map(|_| (sum.next(1.0), ramp.next(1.0))).last();
        assert_eq!(last, Some((Some(30.0), Some(465.0))));
    }

    #[test]
    fn a_window_of_one_value_is_the_value() {
        let bits = |sum: Option<f64>| sum.map(f64::to_bits);
        assert_eq!(bits(Sum::new(1).next(-0.0)), Some((-0.0_f64).to_bits()));
    }
}
