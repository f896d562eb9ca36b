//! Averages of a window: each value has a fixed weight.

use serde::{Deserialize, Serialize};

use super::super::float;
use super::super::simd::Number;
use super::super::windows::{Ramp, Sum};

/// Mean of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sma<N = f64> {
    sum: Sum<N>,
    /// 1 / period.
    share: N,
}

impl<N: Number> Sma<N> {
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        Self { sum: Sum::new(period), share: N::splat(1.0 / float(period)) }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        self.sum.next(value).map(|sum| sum * self.share)
    }
}

/// Weights 1, 2, .., period, the newest heaviest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Wma<N = f64> {
    ramp: Ramp<N>,
    /// 1 / the sum of the weights.
    share: N,
}

impl<N: Number> Wma<N> {
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let count = float(period);
        Self { ramp: Ramp::new(period), share: N::splat(2.0 / (count * (count + 1.0))) }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        self.ramp.next(value).map(|sum| sum * self.share)
    }
}

/// Weights that rise to the middle of the window and fall again: the mean of a mean.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trima<N = f64> {
    inner: Sma<N>,
    outer: Sma<N>,
}

impl<N: Number> Trima<N> {
    /// Of the inner and of the outer mean.
    pub(crate) const fn periods(period: usize) -> [usize; 2] {
        [period / 2 + 1, period.div_ceil(2)]
    }

    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let [inner, outer] = Self::periods(period);
        Self { inner: Sma::new(inner), outer: Sma::new(outer) }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        self.outer.next(self.inner.next(value)?)
    }
}

/// Hull's average: twice the fast WMA less the slow one, smoothed by a short one. Periods are cut to whole numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hma<N = f64> {
    fast: Wma<N>,
    slow: Wma<N>,
    smooth: Wma<N>,
}

impl<N: Number> Hma<N> {
    /// Of the fast average, the slow one and the smoothing.
    pub(crate) const fn periods(period: usize) -> [usize; 3] {
        let half = if period < 2 { 1 } else { period / 2 };
        [half, period, period.isqrt()]
    }

    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let [fast, slow, smooth] = Self::periods(period);
        Self { fast: Wma::new(fast), slow: Wma::new(slow), smooth: Wma::new(smooth) }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        let (fast, slow) = (self.fast.next(value), self.slow.next(value));
        let (fast, slow) = fast.zip(slow)?;
        self.smooth.next(N::splat(2.0) * fast - slow)
    }
}
