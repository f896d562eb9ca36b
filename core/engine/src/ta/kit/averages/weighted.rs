//! Averages of a window: each value has a fixed weight.

use serde::{Deserialize, Serialize};

use super::super::float;
use super::super::windows::Sum;

/// Mean of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sma {
    sum: Sum,
    count: f64,
}

impl Sma {
    pub(crate) fn new(period: usize) -> Self {
        Self { sum: Sum::new(period), count: float(period) }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        self.sum.next(value).map(|sum| sum / self.count)
    }
}

/// Weights 1, 2, .., period, the newest heaviest. Blocks as in [`Sum`], so nothing is ever subtracted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Wma {
    block: Vec<f64>,
    /// Plain and weighted sum of the block before from its value `k` on; the weights begin with 1.
    suffix: Vec<(f64, f64)>,
    at: usize,
    plain: f64,
    weighted: f64,
    warm: bool,
    divider: f64,
}

impl Wma {
    pub(crate) fn new(period: usize) -> Self {
        let count = float(period);
        let (block, suffix, divider) = (vec![0.0; period], vec![(0.0, 0.0); period], count * (count + 1.0) / 2.0);
        Self { block, suffix, at: 0, plain: 0.0, weighted: 0.0, warm: false, divider }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        let period = self.block.len();
        if let Some(slot) = self.block.get_mut(self.at) {
            *slot = value;
        }
        self.at += 1;
        self.plain += value;
        self.weighted += value * float(self.at);
        if self.at == period {
            let sum = self.weighted;
            let (mut plain, mut weighted) = (0.0, 0.0);
            for (slot, value) in self.suffix.iter_mut().zip(&self.block).rev() {
                plain += value;
                weighted += plain;
                *slot = (plain, weighted);
            }
            (self.at, self.plain, self.weighted, self.warm) = (0, 0.0, 0.0, true);
            return Some(sum / self.divider);
        }
        let (_, older) = self.suffix.get(self.at).copied()?;
        self.warm.then(|| (older + (self.weighted + float(period - self.at) * self.plain)) / self.divider)
    }
}

/// Weights that rise to the middle of the window and fall again: the mean of a mean.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trima {
    inner: Sma,
    outer: Sma,
}

impl Trima {
    pub(crate) fn new(period: usize) -> Self {
        let (inner, outer) =
            if period % 2 == 1 { (period / 2 + 1, period / 2 + 1) } else { (period / 2 + 1, period / 2) };
        Self { inner: Sma::new(inner), outer: Sma::new(outer.max(1)) }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        self.outer.next(self.inner.next(value)?)
    }
}

/// Hull's average: twice the fast WMA less the slow one, smoothed by a short one. Periods are cut to whole numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hma {
    fast: Wma,
    slow: Wma,
    smooth: Wma,
}

impl Hma {
    pub(crate) fn new(period: usize) -> Self {
        let (half, root) = ((period / 2).max(1), period.isqrt());
        Self { fast: Wma::new(half), slow: Wma::new(period), smooth: Wma::new(root) }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        let (fast, slow) = (self.fast.next(value), self.slow.next(value));
        let (fast, slow) = fast.zip(slow)?;
        self.smooth.next(2.0 * fast - slow)
    }
}
