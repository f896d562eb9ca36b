//! What pattern files share: candles, and running averages of their parts.
#![expect(
    clippy::indexing_slicing,
    reason = "the dispatcher gives four series of one length; bars are asked for within lookback..length only"
)]

use crate::ta::kit::float;
use crate::ta::{Input, TaError};

/// Inputs of every pattern, in TA-Lib's order.
pub const CANDLE_INPUTS: &[Input] = &[Input::Open, Input::High, Input::Low, Input::Close];

/// One bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candle {
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
}

impl Candle {
    /// Distance of open and close.
    pub(crate) fn body(&self) -> f64 {
        (self.close - self.open).abs()
    }

    /// Close at or above open: white. A NaN is neither white nor black.
    pub(crate) fn is_white(&self) -> bool {
        self.close >= self.open
    }

    /// Close below open.
    pub(crate) fn is_black(&self) -> bool {
        self.close < self.open
    }

    /// Upper end of the body.
    pub(crate) fn body_top(&self) -> f64 {
        if self.is_white() { self.close } else { self.open }
    }

    /// Lower end of the body.
    pub(crate) fn body_bottom(&self) -> f64 {
        if self.is_white() { self.open } else { self.close }
    }

    /// From the body up to the high.
    pub(crate) fn upper_shadow(&self) -> f64 {
        self.high - self.body_top()
    }

    /// From the low up to the body.
    pub(crate) fn lower_shadow(&self) -> f64 {
        self.body_bottom() - self.low
    }

    /// From the low to the high.
    pub(crate) fn range(&self) -> f64 {
        self.high - self.low
    }
}

/// The four series of a pattern.
#[derive(Clone, Copy)]
pub(crate) struct Candles<'a> {
    open: &'a [f64],
    high: &'a [f64],
    low: &'a [f64],
    close: &'a [f64],
}

impl<'a> Candles<'a> {
    /// From a kernel's inputs.
    pub(crate) fn new(inputs: &[&'a [f64]]) -> Result<Self, TaError> {
        let [open, high, low, close] = *inputs else { return Err(TaError::Wiring { what: "series" }) };
        Ok(Self { open, high, low, close })
    }

    /// The bar at `index`, which must lie inside the series.
    pub(crate) fn at(&self, index: usize) -> Candle {
        Candle { open: self.open[index], high: self.high[index], low: self.low[index], close: self.close[index] }
    }
}

/// A TA-Lib candle setting: "the average of a part over the last `period` candles, times `factor`".
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    part: fn(&Candle) -> f64,
    period: usize,
    factor: f64,
}

impl Setting {
    /// Candles the average looks back on.
    pub(crate) const fn period(&self) -> usize {
        self.period
    }
}

/// A body longer than this is long.
pub(crate) const BODY_LONG: Setting = Setting { part: Candle::body, period: 10, factor: 1.0 };
/// A body shorter than this is short.
pub(crate) const BODY_SHORT: Setting = Setting { part: Candle::body, period: 10, factor: 1.0 };
/// A body up to this is a doji's.
pub(crate) const BODY_DOJI: Setting = Setting { part: Candle::range, period: 10, factor: 0.1 };
/// A shadow longer than this, the candle's own body, is long.
pub(crate) const SHADOW_LONG: Setting = Setting { part: Candle::body, period: 0, factor: 1.0 };
/// A shadow shorter than this is very short.
pub(crate) const SHADOW_VERY_SHORT: Setting = Setting { part: Candle::range, period: 10, factor: 0.1 };
/// Prices closer than this are near.
pub(crate) const NEAR: Setting = Setting { part: Candle::range, period: 5, factor: 0.2 };

/// A setting's running sum over the candles before a bar that moves on.
///
/// The sum moves by `new - old` in one step, as TA-Lib's does: a different rounding would decide ties differently.
pub(crate) struct Threshold<'a> {
    setting: Setting,
    candles: Candles<'a>,
    bar: usize,
    sum: f64,
}

impl<'a> Threshold<'a> {
    /// For `bar`, which must be at least the setting's period.
    pub(crate) fn at(setting: Setting, candles: Candles<'a>, bar: usize) -> Self {
        let mut threshold = Self { setting, candles, bar, sum: 0.0 };
        threshold.take_afresh();
        threshold
    }

    fn take_afresh(&mut self) {
        let mut sum = 0.0;
        for index in self.bar - self.setting.period..self.bar {
            sum += self.part(index);
        }
        self.sum = sum;
    }

    fn part(&self, index: usize) -> f64 {
        (self.setting.part)(&self.candles.at(index))
    }

    /// What the part is measured against at this bar.
    pub(crate) fn value(&self) -> f64 {
        let average =
            if self.setting.period == 0 { self.part(self.bar) } else { self.sum / float(self.setting.period) };
        self.setting.factor * average
    }

    /// Move on to the next bar, which must lie inside the series or just behind its end.
    pub(crate) fn advance(&mut self) {
        if self.setting.period > 0 {
            self.sum += self.part(self.bar) - self.part(self.bar - self.setting.period);
        }
        self.bar += 1;
        // A NaN or infinity would stay in the sum for ever; take it afresh until it has left the window.
        if !self.sum.is_finite() {
            self.take_afresh();
        }
    }
}
