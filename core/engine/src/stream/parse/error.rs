//! Why a message is refused. Nothing of a refused message has been applied.

use std::fmt;

use thiserror::Error;

use super::time::TimeUnit;

/// The beginning of a text that is quoted in an error: at most [`Excerpt::LONGEST`] bytes, kept in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Excerpt {
    length: u8,
    cut: bool,
    bytes: [u8; Excerpt::LONGEST],
}

impl Excerpt {
    /// Longest text shown whole.
    pub const LONGEST: usize = 22;

    /// The beginning of `text`.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let mut bytes = [0; Self::LONGEST];
        let mut length = 0;
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = *from;
            length += 1;
        }
        Self { length, cut: text.len() > Self::LONGEST, bytes }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        write!(formatter, "{:?}", String::from_utf8_lossy(shown))?;
        if self.cut { formatter.write_str("..") } else { Ok(()) }
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A message that cannot be read. `at` is a byte offset in the message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// The message ends inside a value.
    #[error("the message ends at byte {at} inside a value; it was truncated, take it again from the venue")]
    Truncated {
        /// Where it ends.
        at: usize,
    },
    /// Not JSON.
    #[error("byte {at} is not JSON: expected {expected}; the message is damaged")]
    Syntax {
        /// Where.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// Bytes after the value: a second message, or damage.
    #[error("bytes follow the message from byte {at}; one message a call, split concatenated ones first")]
    Trailing {
        /// Where they begin.
        at: usize,
    },
    /// A string that is not UTF-8.
    #[error("the string at byte {at} is not UTF-8; the message is damaged")]
    NotUtf8 {
        /// Where the string begins.
        at: usize,
    },
    /// Nested too deeply.
    #[error("nesting at byte {at} is deeper than {bound}; no venue sends that")]
    TooDeep {
        /// Where.
        at: usize,
        /// Deepest nesting accepted.
        bound: usize,
    },
    /// A message or string that is too long.
    #[error("the {what} at byte {at} has {length} bytes or more, above the bound of {bound}; no venue sends that")]
    TooLong {
        /// `message`, `string` or `list of levels`.
        what: &'static str,
        /// Where it begins.
        at: usize,
        /// Bytes found.
        length: usize,
        /// Bytes accepted.
        bound: usize,
    },
    /// A key twice in one object.
    #[error("key {key:?} stands twice in one object (again at byte {at}); which value holds is unknown")]
    DuplicateKey {
        /// The key.
        key: &'static str,
        /// Where it stands again.
        at: usize,
    },
    /// A key that this kind of message must have.
    #[error("{message} without {key:?}; the venue changed its schema or the message is damaged")]
    MissingKey {
        /// Kind of message.
        message: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A value of a kind that cannot be read as this key.
    #[error("{key:?} is {found}, expected {expected}; the venue changed its schema or the message is damaged")]
    WrongType {
        /// The key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Text that is no decimal number.
    #[error("{key:?} {text} is not a decimal number")]
    NotANumber {
        /// The key.
        key: &'static str,
        /// The text.
        text: Excerpt,
    },
    /// Minus zero.
    #[error("{key:?} {text} is minus zero, which no venue means; the message is damaged")]
    NegativeZero {
        /// The key.
        key: &'static str,
        /// The text.
        text: Excerpt,
    },
    /// Finer than 1e-8.
    #[error("{key:?} {text} has a digit below 1e-8, the finest unit kept; leave the symbol out")]
    TooPrecise {
        /// The key.
        key: &'static str,
        /// The text.
        text: Excerpt,
    },
    /// Beyond 64 bits.
    #[error("{key:?} {text} is beyond 64 bits; the message is damaged")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// The text.
        text: Excerpt,
    },
    /// Not a multiple of the symbol's step.
    #[error("{key:?} {value} (1e-8 units) is not a multiple of the step {step}; refresh the symbol's steps")]
    OffStep {
        /// The key.
        key: &'static str,
        /// The value in 1e-8 units.
        value: i64,
        /// The step in 1e-8 units.
        step: i64,
    },
    /// A symbol that is not in the registry.
    #[error("symbol {name} is not registered; add it to the symbols or do not subscribe to it")]
    UnknownSymbol {
        /// The name.
        name: Excerpt,
    },
    /// A message about no named symbol, with no symbol set for the connection.
    #[error("{message} names no symbol; set the one it is about with `Parser::about`")]
    NoSymbol {
        /// Kind of message.
        message: &'static str,
    },
    /// A time that is none.
    #[error("{key:?} {text} is no time between 1973 and 2262")]
    BadTime {
        /// The key.
        key: &'static str,
        /// The text.
        text: Excerpt,
    },
    /// A time in another unit than the connection's.
    #[error("{key:?} is in {found}, the connection's times are in {expected}; the message is damaged or mixed up")]
    UnitChanged {
        /// The key.
        key: &'static str,
        /// Unit of the connection.
        expected: TimeUnit,
        /// Unit of this value.
        found: TimeUnit,
    },
    /// A word that is none of the known ones.
    #[error("{key:?} {text} is not known; the venue changed its schema or the message is damaged")]
    UnknownWord {
        /// The key.
        key: &'static str,
        /// The word.
        text: Excerpt,
    },
    /// JSON of no kind that the venue is known to send.
    #[error("no kind of message that {venue} is known to send; unsubscribe from it")]
    UnknownMessage {
        /// The venue.
        venue: &'static str,
    },
    /// A change of a book level whose price was never told.
    #[error("level {id} has no price: it was never inserted; take a snapshot of the book")]
    UnknownLevel {
        /// The venue's id of the level.
        id: u64,
    },
    /// Several events where one was asked for.
    #[error("the message holds {count} events; read it with `Parser::parse_each`")]
    Several {
        /// How many.
        count: usize,
    },
}
