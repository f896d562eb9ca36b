//! One bar, taken apart once.

use serde::{Deserialize, Serialize};

use super::settings::RangeType;

/// One bar and the parts every rule asks for.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Candle {
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    /// Distance of open and close.
    pub(crate) body: f64,
    /// Upper end of the body.
    pub(crate) top: f64,
    /// Lower end of the body.
    pub(crate) bottom: f64,
}

impl Candle {
    #[inline(always)]
    pub(crate) fn new([open, high, low, close]: [f64; 4]) -> Self {
        let (top, bottom) = if close >= open { (close, open) } else { (open, close) };
        Self { open, high, low, close, body: (close - open).abs(), top, bottom }
    }

    /// Close at or above open.
    #[inline(always)]
    pub(crate) fn is_white(&self) -> bool {
        self.close >= self.open
    }

    /// From the body up to the high.
    #[inline(always)]
    pub(crate) fn upper(&self) -> f64 {
        self.high - self.top
    }

    /// From the low up to the body.
    #[inline(always)]
    pub(crate) fn lower(&self) -> f64 {
        self.bottom - self.low
    }

    /// The part a setting averages.
    #[inline(always)]
    pub(crate) fn part(&self, range: RangeType) -> f64 {
        match range {
            RangeType::RealBody => self.body,
            RangeType::HighLow => self.high - self.low,
            RangeType::Shadows => self.upper() + self.lower(),
        }
    }
}
