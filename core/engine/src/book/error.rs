//! Why a book refuses a command. Nothing is changed when one of these is returned.

use thiserror::Error;

/// A command that the book refuses, with its state untouched.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BookError {
    /// A quantity of zero or less.
    #[error("order {key}: quantity {quantity} lots must be at least 1; to take an order out, cancel it")]
    BadQuantity {
        /// The order.
        key: u64,
        /// The quantity.
        quantity: i64,
    },
    /// A key that already rests.
    #[error("order {key} already rests in the book; keys are unique, amend it or use another key")]
    DuplicateKey {
        /// The order.
        key: u64,
    },
    /// A key that does not rest (never did, is filled, cancelled or expired).
    #[error("order {key} does not rest in the book; it is filled, cancelled or was never there")]
    UnknownKey {
        /// The order.
        key: u64,
    },
    /// A post-only order that would trade at once.
    #[error("post-only order {key} at {price} ticks would take from {best}; move it away from the market")]
    WouldTake {
        /// The order.
        key: u64,
        /// Its price.
        price: i64,
        /// The best price of the other side.
        best: i64,
    },
    /// An iceberg's display that cannot be.
    #[error("order {key}: display {display} of {quantity} lots is not in 1.. or makes more than {bound} slices")]
    BadDisplay {
        /// The order.
        key: u64,
        /// The display quantity.
        display: i64,
        /// The whole quantity.
        quantity: i64,
        /// Largest number of slices.
        bound: i64,
    },
    /// Options that contradict each other.
    #[error("order {key}: {problem}")]
    Contradiction {
        /// The order.
        key: u64,
        /// What excludes what.
        problem: &'static str,
    },
    /// A level whose total would leave 64 bits.
    #[error("order {key}: {quantity} more lots at {price} ticks overflow the level's total; split the book's lot size")]
    LevelOverflow {
        /// The order.
        key: u64,
        /// The price.
        price: i64,
        /// The quantity.
        quantity: i64,
    },
    /// A snapshot's id that leaves no room to count on.
    #[error("snapshot: last {what} {last} is above 2^63; the snapshot is damaged, take an older one")]
    BadId {
        /// `trade id` or `update id`.
        what: &'static str,
        /// The id.
        last: u64,
    },
    /// No slot left.
    #[error("order {key}: the book is full ({bound} orders); cancel some first")]
    Full {
        /// The order.
        key: u64,
        /// Largest number of orders.
        bound: u32,
    },
}
