//! What can be wrong with a call to a set.

use thiserror::Error;

use super::TaError;

/// What can be wrong with a call to a [`StreamSet`](super::StreamSet).
#[derive(Clone, Debug, Error, PartialEq)]
pub enum StreamSetError {
    /// An indicator or its parameters.
    #[error(transparent)]
    Ta(#[from] TaError),
    /// Nothing to compute, or nobody to compute it for.
    #[error("a StreamSet needs at least one indicator and one symbol")]
    Empty,
    /// An input that is not in a bar.
    #[error("{name} reads {input}, which a bar of open, high, low, close, volume does not have; use ta.stream.{name}")]
    NotInABar {
        /// Indicator.
        name: &'static str,
        /// Its input.
        input: &'static str,
    },
    /// The same symbol or the same result name twice.
    #[error("{what} {name:?} is there twice; give each its own name")]
    Twice {
        /// `symbol` or `result`.
        what: &'static str,
        /// Which.
        name: String,
    },
    /// A symbol the set was not made for.
    #[error("no symbol {name:?} in this set of {count}; it has {first:?} and so on")]
    UnknownSymbol {
        /// The one asked for.
        name: String,
        /// How many there are.
        count: usize,
        /// The first of them.
        first: String,
    },
    /// Not one row a symbol.
    #[error("{given} rows given for {expected} symbols; pass one row a symbol, in the order of .symbols")]
    Rows {
        /// How many there should be.
        expected: usize,
        /// How many came.
        given: usize,
    },
    /// A NaN or an infinity in a column some indicator reads.
    #[error("{symbol}: {column} is {value}{place}; nothing was taken in: fill it or leave the bar out (skip=True)")]
    NotFinite {
        /// Whose.
        symbol: String,
        /// Which column.
        column: &'static str,
        /// Value given.
        value: f64,
        /// ` at bar 7`, or empty.
        place: String,
    },
}
