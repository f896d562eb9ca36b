//! Whole steps of price and quantity: what a book counts in.
//!
//! Invariants: a conversion is exact or a typed error; nothing is rounded. `Ticks` may be negative (spreads, oil);
//! `Lots` of an order are positive, which the book checks.

use thiserror::Error;

use crate::types::{Price, Quantity};

/// A price or quantity that is no whole number of steps, or does not fit.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StepError {
    /// A tick or lot size of zero or less.
    #[error("{what} {step} must be greater than 0; take it from the instrument")]
    BadStep {
        /// `tick size` or `lot size`.
        what: &'static str,
        /// The step in 1e-8 units.
        step: i64,
    },
    /// Not a multiple of the step.
    #[error("{what} {value} (1e-8 units) is not a multiple of the step {step}; round it to the step first")]
    OffStep {
        /// `price` or `quantity`.
        what: &'static str,
        /// The value in 1e-8 units.
        value: i64,
        /// The step in 1e-8 units.
        step: i64,
    },
    /// Steps whose amount is beyond 64 bits.
    #[error("{count} steps of {step} (1e-8 units) are beyond 64 bits; no real {what} is that large")]
    OutOfRange {
        /// `price` or `quantity`.
        what: &'static str,
        /// Number of steps.
        count: i64,
        /// The step in 1e-8 units.
        step: i64,
    },
}

/// A price as a whole number of tick sizes. Any `i64` is a price of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticks(pub i64);

/// A quantity as a whole number of lot sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lots(pub i64);

impl Lots {
    /// Nothing.
    pub const ZERO: Self = Self(0);
}

fn divide(raw: i64, step: i64, what: &'static str, step_name: &'static str) -> Result<i64, StepError> {
    if step <= 0 {
        return Err(StepError::BadStep { what: step_name, step });
    }
    if raw % step != 0 {
        return Err(StepError::OffStep { what, value: raw, step });
    }
    Ok(raw / step)
}

fn multiply(count: i64, step: i64, what: &'static str, step_name: &'static str) -> Result<i64, StepError> {
    if step <= 0 {
        return Err(StepError::BadStep { what: step_name, step });
    }
    count.checked_mul(step).ok_or(StepError::OutOfRange { what, count, step })
}

impl Ticks {
    /// The price in ticks of `tick_size`.
    ///
    /// # Errors
    /// A tick size of zero or less, or a price that is no multiple of it.
    pub fn from_price(price: Price, tick_size: Price) -> Result<Self, StepError> {
        divide(price.raw(), tick_size.raw(), "price", "tick size").map(Self)
    }

    /// The price that these ticks are.
    ///
    /// # Errors
    /// A tick size of zero or less, or a price beyond 64 bits.
    pub fn to_price(self, tick_size: Price) -> Result<Price, StepError> {
        multiply(self.0, tick_size.raw(), "price", "tick size").map(Price::from_raw)
    }
}

impl Lots {
    /// The quantity in lots of `lot_size`.
    ///
    /// # Errors
    /// A lot size of zero or less, or a quantity that is no multiple of it.
    pub fn from_quantity(quantity: Quantity, lot_size: Quantity) -> Result<Self, StepError> {
        divide(quantity.raw(), lot_size.raw(), "quantity", "lot size").map(Self)
    }

    /// The quantity that these lots are.
    ///
    /// # Errors
    /// A lot size of zero or less, or a quantity beyond 64 bits.
    pub fn to_quantity(self, lot_size: Quantity) -> Result<Quantity, StepError> {
        multiply(self.0, lot_size.raw(), "quantity", "lot size").map(Quantity::from_raw)
    }
}
