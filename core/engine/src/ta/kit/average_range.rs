//! The average true range as a part of other indicators.

use serde::{Deserialize, Serialize};

use super::averages::Ema;
use super::ranges::TrueRange;
use super::{Params, Seed};

/// ATR: Wilder's average of the true range.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AverageRange {
    range: TrueRange,
    average: Ema,
}

impl AverageRange {
    pub(crate) fn new(period: usize, seed: Seed) -> Self {
        Self { range: TrueRange::new(seed), average: Ema::wilder(period) }
    }

    /// Bars before the first average: `TradingView` has a range on the first bar already, TA-Lib on the second.
    pub(crate) fn lookback(period: usize, params: &Params) -> usize {
        period - usize::from(params.seed() == Seed::TradingView)
    }

    #[inline]
    pub(crate) fn next(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        self.average.next(self.range.next(high, low, close)?)
    }
}
