//! What pattern files share: candles, and running averages of their parts.
#![expect(
    clippy::indexing_slicing,
    reason = "the dispatcher gives four series of one length; bars are asked for within lookback..length only"
)]

use std::marker::PhantomData;

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
        // Equal lengths spelt out let one bounds check do for all four.
        let length = open.len();
        match (high.get(..length), low.get(..length), close.get(..length)) {
            (Some(high), Some(low), Some(close)) => Ok(Self { open, high, low, close }),
            _ => Err(TaError::Wiring { what: "series" }),
        }
    }

    /// The bar at `index`, which must lie inside the series.
    pub(crate) fn at(&self, index: usize) -> Candle {
        Candle { open: self.open[index], high: self.high[index], low: self.low[index], close: self.close[index] }
    }
}

/// A TA-Lib candle setting: "the average of a part over the last `PERIOD` candles, times `FACTOR`".
///
/// A type each, so that every threshold is compiled for its own part.
pub(crate) trait Setting {
    /// Candles the average looks back on; 0 for the candle itself.
    const PERIOD: usize;
    /// What the average is multiplied with.
    const FACTOR: f64;
    /// The part that is averaged.
    fn part(candle: &Candle) -> f64;
}

macro_rules! setting {
    ($(#[$doc:meta])* $name:ident, $part:ident, $period:literal, $factor:literal) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl Setting for $name {
            const PERIOD: usize = $period;
            const FACTOR: f64 = $factor;

            fn part(candle: &Candle) -> f64 {
                candle.$part()
            }
        }
    };
}

setting! {
    /// A body longer than this is long.
    BodyLong, body, 10, 1.0
}
setting! {
    /// A body shorter than this is short.
    BodyShort, body, 10, 1.0
}
setting! {
    /// A body up to this is a doji's.
    BodyDoji, range, 10, 0.1
}
setting! {
    /// A shadow longer than this, the candle's own body, is long.
    ShadowLong, body, 0, 1.0
}
setting! {
    /// A shadow shorter than this is very short.
    ShadowVeryShort, range, 10, 0.1
}
setting! {
    /// Prices closer than this are near.
    Near, range, 5, 0.2
}

/// A setting's running sum over the candles before a bar that moves on.
///
/// The sum moves by `new - old` in one step, as TA-Lib's does: a different rounding would decide ties differently.
pub(crate) struct Threshold<'a, S: Setting> {
    candles: Candles<'a>,
    bar: usize,
    sum: f64,
    setting: PhantomData<S>,
}

impl<'a, S: Setting> Threshold<'a, S> {
    /// For `bar`, which must be at least the setting's period.
    pub(crate) fn at(candles: Candles<'a>, bar: usize) -> Self {
        let mut threshold = Self { candles, bar, sum: 0.0, setting: PhantomData };
        threshold.take_afresh();
        threshold
    }

    fn take_afresh(&mut self) {
        let mut sum = 0.0;
        for index in self.bar - S::PERIOD..self.bar {
            sum += self.part(index);
        }
        self.sum = sum;
    }

    fn part(&self, index: usize) -> f64 {
        S::part(&self.candles.at(index))
    }

    /// What the part is measured against at this bar.
    pub(crate) fn value(&self) -> f64 {
        let average = if S::PERIOD == 0 { self.part(self.bar) } else { self.sum / float(S::PERIOD) };
        S::FACTOR * average
    }

    /// Move on to the next bar, which must lie inside the series or just behind its end.
    pub(crate) fn advance(&mut self) {
        if S::PERIOD > 0 {
            self.sum += self.part(self.bar) - self.part(self.bar - S::PERIOD);
        }
        self.bar += 1;
        // A NaN or infinity would stay in the sum for ever; take it afresh until it has left the window.
        if !self.sum.is_finite() {
            self.take_afresh();
        }
    }
}
