//! Mean and spread of prices weighted by volume, from one point in time on.
//!
//! The textbook `sum(v * x^2) / sum(v) - mean^2` loses its digits where the level is large against the spread. These are
//! the updating formulas of D. H. D. West, "Updating mean and variance estimates", Communications of the ACM 22, 1979.

use serde::{Deserialize, Serialize};

/// Everything that has been traded since [`Self::default`].
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Weighted {
    weight: f64,
    mean: f64,
    /// Sum of weight times the squared distance from the mean.
    spread: f64,
}

impl Weighted {
    /// Add a price; one without volume (or with less than none) weighs nothing.
    #[inline]
    pub(crate) fn add(&mut self, price: f64, volume: f64) {
        if volume > 0.0 {
            self.weight += volume;
            let distance = price - self.mean;
            self.mean += distance * (volume / self.weight);
            self.spread += volume * distance * (price - self.mean);
        }
    }

    /// The weighted mean; NaN while nothing has been traded.
    pub(crate) fn mean(&self) -> f64 {
        if self.weight > 0.0 { self.mean } else { f64::NAN }
    }

    /// The weighted standard deviation (of the whole population); NaN while nothing has been traded.
    pub(crate) fn deviation(&self) -> f64 {
        if self.weight > 0.0 { (self.spread.max(0.0) / self.weight).sqrt() } else { f64::NAN }
    }
}

/// [`Weighted`] since the session began.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SessionWeighted {
    session: Option<f64>,
    traded: Weighted,
}

impl SessionWeighted {
    /// Add the typical price of a bar; begins afresh when `session` is another number than before.
    #[inline]
    pub(crate) fn next(&mut self, [high, low, close, volume, session]: [f64; 5]) -> Weighted {
        if self.session.replace(session) != Some(session) {
            self.traded = Weighted::default();
        }
        self.traded.add(typical_price(high, low, close), volume);
        self.traded
    }
}

/// What a bar's volume is weighted with.
pub(crate) fn typical_price(high: f64, low: f64, close: f64) -> f64 {
    (high + low + close) / 3.0
}
