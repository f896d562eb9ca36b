//! What can be wrong with a call to an indicator.

use thiserror::Error;

/// A bad call. The message names the value, the bound and the way out.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum TaError {
    /// No indicator has this name.
    #[error("no indicator is called {name:?}{suggestion}; ta.functions() lists them all")]
    UnknownName {
        /// The name asked for.
        name: String,
        /// Empty, or `; did you mean RSI?`.
        suggestion: String,
    },
    /// Too few or too many input series.
    #[error("{name} takes {expected} input series ({wanted}), not {given}")]
    InputCount {
        /// Indicator.
        name: &'static str,
        /// How many it takes.
        expected: usize,
        /// Their names.
        wanted: String,
        /// How many came.
        given: usize,
    },
    /// Inputs of different lengths.
    #[error("{name}: {input} has {length} values but {first} has {expected}; all inputs need the same length")]
    LengthMismatch {
        /// Indicator.
        name: &'static str,
        /// The odd input.
        input: &'static str,
        /// Its length.
        length: usize,
        /// The first input.
        first: &'static str,
        /// Its length.
        expected: usize,
    },
    /// An input that bars of a market do not have.
    #[error("{name} reads {input}, which bars do not have; call it with a series of them")]
    NotInBars {
        /// Indicator.
        name: &'static str,
        /// The input.
        input: &'static str,
    },
    /// Output buffers that do not fit.
    #[error("{name} writes {expected} outputs of {length} values; the buffers given do not fit")]
    OutputShape {
        /// Indicator.
        name: &'static str,
        /// How many outputs it has.
        expected: usize,
        /// Length of each.
        length: usize,
    },
    /// More parameters than it has.
    #[error("{name} takes at most {expected} parameters{wanted}, not {given}")]
    ParamCount {
        /// Indicator.
        name: &'static str,
        /// How many it takes.
        expected: usize,
        /// Their names in brackets, or empty.
        wanted: String,
        /// How many came.
        given: usize,
    },
    /// A parameter outside its bounds (or NaN).
    #[error("{name}: {param} {value} is not in {bounds}")]
    OutOfBounds {
        /// Indicator.
        name: &'static str,
        /// Parameter.
        param: &'static str,
        /// Value given.
        value: f64,
        /// The bounds in words.
        bounds: String,
    },
    /// A fraction where a whole number belongs.
    #[error("{name}: {param} {value} is not a whole number; give one in {bounds}")]
    NotWhole {
        /// Indicator.
        name: &'static str,
        /// Parameter.
        param: &'static str,
        /// Value given.
        value: f64,
        /// The bounds in words.
        bounds: String,
    },
    /// Something that is no finite number where only one will do.
    #[error(
        "{name}: {input} is {value}{place}; a stream takes finite numbers only and has kept its state: fill the gap \
             or leave the bar out"
    )]
    NotFinite {
        /// Indicator.
        name: &'static str,
        /// Input.
        input: &'static str,
        /// Value given.
        value: f64,
        /// ` at bar 7`, or empty.
        place: String,
    },
    /// A NaN or an infinity under `nan="raise"`.
    #[error(
        "{name}: {input} is {value} at bar {bar}, and nan=\"raise\" allows none; fill it, or use nan=\"window\" \
             (restart after it) or nan=\"propagate\""
    )]
    Gap {
        /// Indicator.
        name: &'static str,
        /// Input.
        input: &'static str,
        /// Value found.
        value: f64,
        /// Its index.
        bar: usize,
    },
    /// Another seed was asked of an indicator that has none.
    #[error("{name} is not seeded, so seed=\"tradingview\" means nothing to it; leave the seed out")]
    NoSeed {
        /// Indicator.
        name: &'static str,
    },
    /// The indicator cannot be computed bar by bar.
    #[error("{name} cannot be streamed: its past values change with later bars; use ta.{name} on the whole series")]
    NoStream {
        /// Indicator.
        name: &'static str,
    },
    /// Bytes that are no snapshot of this stream.
    #[error("this is not a snapshot to restore: {what}; take one with snapshot() of the same indicator")]
    Snapshot {
        /// What is wrong.
        what: &'static str,
    },
    /// A self-checking kernel found a NaN or an infinity; the dispatcher takes it from there.
    #[error("an input holds a NaN or an infinity; this is a bug in the dispatcher")]
    NotClean,
    /// The indicator's file reads something its SPEC does not declare.
    #[error("the indicator's SPEC does not declare the {what} its kernel reads; this is a bug in its file")]
    Wiring {
        /// Which part.
        what: &'static str,
    },
}
