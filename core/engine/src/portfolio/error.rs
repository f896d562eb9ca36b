//! What an account refuses. Nothing is changed when one of these is returned.

use thiserror::Error;

use crate::types::{AmountError, Currency, Money, Quantity, Symbol, TextError, UtcNanos};

/// Why a booking, a reservation or a valuation was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PortfolioError {
    /// An amount out of range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// A symbol that cannot be.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Terms that cannot be.
    #[error("an account with {what} {value} cannot be opened: {why}")]
    BadTerms {
        /// Which term.
        what: &'static str,
        /// Its value.
        value: String,
        /// What is asked of it.
        why: &'static str,
    },
    /// A symbol listed twice with different terms.
    #[error("{symbol} is listed already with other terms; a listing is fixed once made")]
    ListedOtherwise {
        /// The symbol.
        symbol: Symbol,
    },
    /// An instrument that this kind of account cannot hold.
    #[error("a {account} account cannot hold {symbol}, a {kind}; open a {needed} account for it")]
    WrongAccount {
        /// The symbol.
        symbol: Symbol,
        /// Kind of instrument.
        kind: &'static str,
        /// Kind of account.
        account: &'static str,
        /// Kind of account that could.
        needed: &'static str,
    },
    /// Funding of what pays none.
    #[error("{symbol} is a {kind}; only perpetuals pay funding")]
    NoFunding {
        /// The symbol.
        symbol: Symbol,
        /// Kind of instrument.
        kind: &'static str,
    },
    /// A leg that the position mode does not have.
    #[error("leg {leg} does not exist in {mode} mode; use {wanted}")]
    WrongLeg {
        /// The leg asked for.
        leg: &'static str,
        /// Position mode of the account.
        mode: &'static str,
        /// Legs of that mode.
        wanted: &'static str,
    },
    /// More than the leg, or the spot account, holds.
    #[error("selling {quantity} of {symbol} is more than the {available} that can be sold; {way_out}")]
    NotEnoughUnits {
        /// The symbol.
        symbol: Symbol,
        /// What was to be closed.
        quantity: Quantity,
        /// What there is, less what open orders need and what was bought today under T+1.
        available: Quantity,
        /// What to do.
        way_out: &'static str,
    },
    /// More than is free.
    #[error("{needed} {currency} are needed and {free} are free; cancel orders, deposit or order less")]
    NotEnoughCash {
        /// Which currency.
        currency: Currency,
        /// What is needed.
        needed: Money,
        /// What is free.
        free: Money,
    },
    /// An amount of zero or less where a positive one is meant.
    #[error("{what} {value} must be greater than 0")]
    NotPositive {
        /// Which.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// A share of a reservation that is larger than what is left of it.
    #[error("reservation of {symbol} has {left} left and {asked} were asked for; the order's leaves quantity is wrong")]
    ReservationTooSmall {
        /// The symbol.
        symbol: Symbol,
        /// What is left.
        left: Quantity,
        /// What was asked.
        asked: Quantity,
    },
    /// No rate between two currencies.
    #[error("there is no rate from {from} to {to}; give one with `Portfolio::set_rate`")]
    MissingRate {
        /// From.
        from: Currency,
        /// To.
        to: Currency,
    },
    /// A rate that is too old.
    #[error("the rate from {from} to {to} is {age} ns old and at most {max_age} ns are allowed; give a new one")]
    StaleRate {
        /// From.
        from: Currency,
        /// To.
        to: Currency,
        /// Its age in nanoseconds.
        age: i64,
        /// Oldest allowed.
        max_age: i64,
    },
    /// A moment before the account's last one.
    #[error("{given} ns is before the account's last event at {last} ns; events are booked in the order of their time")]
    TimeReversed {
        /// The time given.
        given: i64,
        /// The account's last time.
        last: i64,
    },
    /// A currency that the account never had.
    #[error("the account has no {currency}; what is restored belongs to another account")]
    NoBalance {
        /// Which.
        currency: Currency,
    },
    /// An index that another account gave out.
    #[error("instrument number {0} does not exist in this account")]
    UnknownIndex(u32),
}

impl PortfolioError {
    pub(super) const fn reversed(given: UtcNanos, last: UtcNanos) -> Self {
        Self::TimeReversed { given: given.0, last: last.0 }
    }
}

impl PortfolioError {
    /// A cold function makes the error only where it happens: one made in vain has to be dropped, on the path of every
    /// order.
    #[cold]
    pub(super) const fn unknown_index(index: u32) -> Self {
        Self::UnknownIndex(index)
    }
}
