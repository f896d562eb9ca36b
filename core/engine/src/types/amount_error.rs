//! Why an amount cannot be.

use thiserror::Error;

/// An amount that cannot be represented.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AmountError {
    /// Text that is no plain decimal number.
    #[error("{what} {text:?} is not a decimal number")]
    NotANumber {
        /// Kind of amount.
        what: &'static str,
        /// The text given.
        text: String,
    },
    /// More than eight decimals.
    #[error("{what} {text} has more than 8 decimals; round it to the instrument's step first")]
    TooPrecise {
        /// Kind of amount.
        what: &'static str,
        /// The text given.
        text: String,
    },
    /// Beyond what 64 bits hold.
    #[error("{what} {text} is beyond +-92233720368.54775807")]
    OutOfRange {
        /// Kind of amount.
        what: &'static str,
        /// The text given.
        text: String,
    },
    /// Zero or negative where it must be positive.
    #[error("{what} {text} must be greater than 0")]
    NotPositive {
        /// Kind of amount.
        what: &'static str,
        /// The value given.
        text: String,
    },
    /// Not a multiple of the instrument's step.
    #[error("{what} {text} is not a multiple of the {step_name} {step}")]
    OffStep {
        /// Kind of amount.
        what: &'static str,
        /// The value given.
        text: String,
        /// `tick size` or `lot size`.
        step_name: &'static str,
        /// The step.
        step: String,
    },
    /// Terms of an instrument that cannot be together.
    #[error("{what} {text} does not fit: {why}")]
    Unfit {
        /// Which term.
        what: &'static str,
        /// Its value.
        text: String,
        /// What it contradicts.
        why: &'static str,
    },
    /// Outside the instrument's bounds.
    #[error("{what} {text} is {relation} {bound}")]
    OutOfBounds {
        /// Kind of amount.
        what: &'static str,
        /// The value given.
        text: String,
        /// `below the minimum` or `above the maximum`.
        relation: &'static str,
        /// The bound.
        bound: String,
    },
    /// An operation left the range.
    #[error("{what} overflows 64 bits; the amounts are beyond any real account")]
    Overflow {
        /// The operation.
        what: &'static str,
    },
}

impl AmountError {
    /// An operation left the range. A function, and a cold one, so that the error is made only where it happens: one made
    /// in vain has to be dropped, on the path of every order.
    #[cold]
    pub(crate) const fn overflow(what: &'static str) -> Self {
        Self::Overflow { what }
    }
}
