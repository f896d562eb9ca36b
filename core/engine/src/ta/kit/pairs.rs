//! How two series move together in a rolling window: centred sums that lose no digits to a high level and never drift.

use serde::{Deserialize, Serialize};

/// Sums over a window of what two series differ by from an anchor that lies in the window, as in `windows::Moments`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PairSums {
    first: [f64; 2],
    squares: [f64; 2],
    product: f64,
}

/// Sums of squared distances of two series from their means, and of the products of those distances; NaN where squares
/// overflow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spreads {
    /// Of the first series; never negative.
    pub(crate) left: f64,
    /// Of the second series; never negative.
    pub(crate) right: f64,
    /// Of the products; positive where the two move together.
    pub(crate) both: f64,
}

impl PairSums {
    fn add(&mut self, [left, right]: [f64; 2]) {
        let [left_sum, right_sum] = self.first;
        let [left_squares, right_squares] = self.squares;
        self.first = [left_sum + left, right_sum + right];
        self.squares = [left_squares + left * left, right_squares + right * right];
        self.product += left * right;
    }

    fn with(mut self, other: &Self) -> Self {
        self.first.iter_mut().zip(other.first).for_each(|(sum, more)| *sum += more);
        self.squares.iter_mut().zip(other.squares).for_each(|(sum, more)| *sum += more);
        self.product += other.product;
        self
    }

    fn spreads(&self, count: f64) -> Spreads {
        let ([left, right], [left_squares, right_squares]) = (self.first, self.squares);
        let spread = |squares: f64, sum: f64| {
            let spread = squares - sum * sum / count;
            // Rounding may leave a little less than nothing. An overflow must not look like an answer: x / inf is 0.
            if spread < 0.0 {
                0.0
            } else if spread.is_finite() {
                spread
            } else {
                f64::NAN
            }
        };
        Spreads {
            left: spread(left_squares, left),
            right: spread(right_squares, right),
            both: self.product - left * right / count,
        }
    }
}

/// Rolling [`Spreads`] of the last `period` pairs, in blocks as `windows::RollingMoments`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RollingPairs {
    block: Vec<[f64; 2]>,
    /// Sums of the block before from its pair `k` on, with its last pair as anchor.
    suffix: Vec<PairSums>,
    at: usize,
    anchor: [f64; 2],
    /// Sums of the block being filled, with the same anchor.
    running: PairSums,
    warm: bool,
}

fn distance([left, right]: [f64; 2], [left_anchor, right_anchor]: [f64; 2]) -> [f64; 2] {
    [left - left_anchor, right - right_anchor]
}

impl RollingPairs {
    /// `period` is at least 1.
    pub(crate) fn new(period: usize) -> Self {
        let (block, suffix) = (vec![[0.0; 2]; period], vec![PairSums::default(); period]);
        Self { block, suffix, at: 0, anchor: [0.0; 2], running: PairSums::default(), warm: false }
    }

    /// The spreads with one more pair, or `None` before there are `period`.
    #[inline]
    pub(crate) fn next(&mut self, pair: [f64; 2]) -> Option<Spreads> {
        let count = super::float(self.block.len());
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = pair;
        }
        self.running.add(distance(pair, self.anchor));
        self.at += 1;
        if self.at == self.block.len() {
            return Some(self.turn(pair).spreads(count));
        }
        let older = self.suffix.get(self.at)?;
        self.warm.then(|| older.with(&self.running).spreads(count))
    }

    /// Begin a new block with `anchor`; the sums of the one that is complete.
    fn turn(&mut self, anchor: [f64; 2]) -> PairSums {
        let mut sums = PairSums::default();
        for (slot, pair) in self.suffix.iter_mut().zip(&self.block).rev() {
            sums.add(distance(*pair, anchor));
            *slot = sums;
        }
        (self.at, self.anchor, self.running, self.warm) = (0, anchor, PairSums::default(), true);
        sums
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
