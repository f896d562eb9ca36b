//! How two series move together in a rolling window: centred sums that lose no digits to a high level and never drift.

use serde::{Deserialize, Serialize};

use super::float;
use super::simd::Number;
use super::windows::NOTHING;

/// Sums over a window of what two series differ by from an anchor that lies in the window, as in `moments`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct PairSums<N> {
    left: N,
    right: N,
    left_squares: N,
    right_squares: N,
    product: N,
}

/// Sums of squared distances of two series from their means, and of the products of those distances; NaN where squares
/// overflow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spreads<N = f64> {
    /// Of the first series; never negative.
    pub(crate) left: N,
    /// Of the second series; never negative.
    pub(crate) right: N,
    /// Of the products; positive where the two move together.
    pub(crate) both: N,
}

impl<N: Number> PairSums<N> {
    #[inline(always)]
    fn nothing() -> Self {
        let nothing = N::splat(NOTHING);
        Self { left: nothing, right: nothing, left_squares: nothing, right_squares: nothing, product: nothing }
    }

    #[inline(always)]
    fn add(&mut self, left: N, right: N) {
        self.left += left;
        self.right += right;
        self.left_squares += left * left;
        self.right_squares += right * right;
        self.product += left * right;
    }

    #[inline(always)]
    fn with(&self, other: &Self) -> Self {
        Self {
            left: self.left + other.left,
            right: self.right + other.right,
            left_squares: self.left_squares + other.left_squares,
            right_squares: self.right_squares + other.right_squares,
            product: self.product + other.product,
        }
    }

    #[inline(always)]
    fn spreads(&self, share: N) -> Spreads<N> {
        let zero = N::splat(0.0);
        let (left_mean, right_mean) = (self.left * share, self.right * share);
        // Rounding may leave a little less than nothing.
        let left = (self.left_squares - self.left * left_mean).larger(zero);
        let right = (self.right_squares - self.right * right_mean).larger(zero);
        // An overflow must not look like an answer, x / inf is 0: what is not finite becomes NaN.
        Spreads { left: left + left.gap(), right: right + right.gap(), both: self.product - self.left * right_mean }
    }
}

/// Rolling [`Spreads`] of the last `period` pairs, in blocks as the sums of `windows`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RollingPairs<N = f64> {
    /// Pairs of the block being filled, as `left` and `right`; then the sums of the block before from there on.
    slots: Vec<PairSums<N>>,
    at: usize,
    /// The last pair of the block before, from which all distances are taken.
    anchor: (N, N),
    /// Sums of the block being filled.
    running: PairSums<N>,
    /// 1 / the window's length.
    share: N,
    warm: bool,
}

impl<N: Number> RollingPairs<N> {
    /// `period` is at least 1.
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let (nothing, anchor) = (PairSums::nothing(), (N::splat(0.0), N::splat(0.0)));
        let share = N::splat(1.0 / float(period));
        Self { slots: vec![nothing; period], at: 0, anchor, running: nothing, share, warm: false }
    }

    /// The spreads with one more pair, or `None` before there are `period`.
    #[inline(always)]
    pub(crate) fn next(&mut self, [left, right]: [N; 2]) -> Option<Spreads<N>> {
        if let Some([slot, older, ..]) = self.slots.get_mut(self.at..) {
            (slot.left, slot.right) = (left, right);
            self.at += 1;
            self.running.add(left - self.anchor.0, right - self.anchor.1);
            return self.warm.then(|| older.with(&self.running).spreads(self.share));
        }
        // The window is the block itself, whose own last pair is the anchor from here on.
        if let Some(slot) = self.slots.last_mut() {
            (slot.left, slot.right) = (left, right);
        }
        let mut sums = PairSums::nothing();
        for slot in self.slots.iter_mut().rev() {
            sums.add(slot.left - left, slot.right - right);
            *slot = sums;
        }
        (self.at, self.anchor, self.running, self.warm) = (0, (left, right), PairSums::nothing(), true);
        Some(sums.spreads(self.share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_a_rescan_of_the_window_at_any_level() {
        let small: Vec<[f64; 2]> =
            (0..50_u32).map(|i| [f64::from((i * 7919) % 31), f64::from((i * 104_729) % 17)]).collect();
        for (period, count) in (1..=9).zip(1_u32..).map(|(period, count)| (period, f64::from(count))) {
            let (mut low, mut high) = (RollingPairs::new(period), RollingPairs::new(period));
            for end in 1..=small.len() {
                let pair = small.get(end - 1).copied().unwrap_or_default();
                let raised = high.next(pair.map(|value| value + 1e12));
                let found = low.next(pair);
                let Some(window) = end.checked_sub(period).and_then(|start| small.get(start..end)) else {
                    assert!(found.is_none() && raised.is_none());
                    continue;
                };
                let mean = |which: fn(&[f64; 2]) -> f64| window.iter().map(which).sum::<f64>() / count;
                let (x, y) = (mean(|pair| pair[0]), mean(|pair| pair[1]));
                let total = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
                    window.iter().map(|[left, right]| of(left - x, right - y)).sum()
                };
                let expected = [total(&|l, _| l * l), total(&|_, r| r * r), total(&|l, r| l * r)];
                for spreads in found.into_iter().chain(raised) {
                    let got = [spreads.left, spreads.right, spreads.both];
                    assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{got:?} {expected:?}");
                }
            }
        }
    }
}
