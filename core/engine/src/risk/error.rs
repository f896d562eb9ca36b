//! What can go wrong in the gate. Nothing is changed when one is returned.

use thiserror::Error;

use crate::types::{AmountError, TextError};

/// A refusal is no error: errors are amounts that no account has, and settings that make no sense.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RiskError {
    /// An amount out of range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// An id that cannot be made.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A rule that there is not.
    #[error("there is no risk rule {name:?}; did you mean {near}?")]
    UnknownRule {
        /// The name given.
        name: String,
        /// The nearest name.
        near: &'static str,
    },
    /// A bound that cannot be.
    #[error("{rule} = {value}: it must be in {allowed}")]
    Bound {
        /// Which bound.
        rule: String,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A bound of one strategy or instrument for a rule that has none.
    #[error("{rule} is a rule of the {tier} tier; it has no bound of its own for {key}")]
    Override {
        /// Which rule.
        rule: &'static str,
        /// Its tier.
        tier: &'static str,
        /// The strategy or instrument.
        key: String,
    },
    /// More than the table holds.
    #[error("more than {most} {what}; merge some")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// An order that the exposure does not have, or has already.
    #[error("order {client_order_id} is {problem}; reconcile the account before trading on")]
    Order {
        /// The order.
        client_order_id: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Only a person can take a halt back.
    #[error("re-arming needs the name of the person who does it")]
    Nobody,
}
