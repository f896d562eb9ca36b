//! Ids and names as inline text: `Copy`, no allocation, ordered and hashed like `str`.
//!
//! An id is made once at the edge and then travels through gate, venue and log by value.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Text that cannot be an id.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TextError {
    /// Empty or too long.
    #[error("{what} {text:?} has {length} bytes; it must have 1 to {longest}")]
    Length {
        /// Which id.
        what: &'static str,
        /// The text given (its beginning).
        text: String,
        /// Bytes of it.
        length: usize,
        /// The bound.
        longest: usize,
    },
    /// A character that ids do not have.
    #[error("{what} {text:?} has the character {found:?}; allowed are {allowed}")]
    Character {
        /// Which id.
        what: &'static str,
        /// The text given.
        text: String,
        /// The first bad character.
        found: char,
        /// What there may be.
        allowed: &'static str,
    },
}

/// At most `N` bytes of printable ASCII.
#[derive(Clone, Copy)]
struct Inline<const N: usize> {
    length: u8,
    bytes: [u8; N],
}

impl<const N: usize> Inline<N> {
    const EMPTY: Self = Self { length: 0, bytes: [0; N] };

    #[inline]
    fn parse(
        text: &str,
        what: &'static str,
        allowed: &'static str,
        allow: impl Fn(u8) -> bool,
    ) -> Result<Self, TextError> {
        let mut inline = Self::EMPTY;
        let Some(place) = inline.bytes.get_mut(..text.len()).filter(|place| !place.is_empty()) else {
            let shown = text.chars().take(N).collect();
            return Err(TextError::Length { what, text: shown, length: text.len(), longest: N });
        };
        // Every allowed byte is ASCII, so what passes byte by byte passes character by character.
        if !text.bytes().all(&allow) {
            let found = text.chars().find(|found| !u8::try_from(*found).is_ok_and(&allow)).unwrap_or_default();
            return Err(TextError::Character { what, text: text.to_owned(), found, allowed });
        }
        place.copy_from_slice(text.as_bytes());
        inline.length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        Ok(inline)
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        // Only ASCII gets in, so the fallback is never taken.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

macro_rules! inline_text {
    ($(#[$doc:meta])* $name:ident, $length:literal, $what:literal, $allowed:literal, $allow:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name(Inline<$length>);

        impl $name {
            /// Longest text in bytes.
            pub const LONGEST: usize = $length;

            /// No text at all: the mark of "none", which `parse` never gives.
            pub const EMPTY: Self = Self(Inline::EMPTY);

            /// From text.
            ///
            /// # Errors
            /// Empty, too long, or with a character that is not allowed.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                Inline::parse(text, $what, $allowed, $allow).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The text as bytes, all of them ASCII.
            #[must_use]
            #[inline]
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }

            /// Whether there is no text.
            #[must_use]
            pub const fn is_empty(&self) -> bool {
                self.0.length == 0
            }

            /// The text, or `None` where there is none.
            #[must_use]
            pub fn some(self) -> Option<Self> {
                (!self.is_empty()).then_some(self)
            }
        }

        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                // The unused bytes are zero, so whole arrays compare in a few instructions.
                self.0.length == other.0.length && self.0.bytes == other.0.bytes
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.0.as_bytes().cmp(other.0.as_bytes())
            }
        }

        impl Hash for $name {
            // As `str` hashes (bytes, then 0xff), so that a map by this id can be asked with a `&str`; without looking
            // again whether the bytes are text. The tests below would see a difference.
            #[inline]
            fn hash<H: Hasher>(&self, state: &mut H) {
                state.write(self.0.as_bytes());
                state.write_u8(0xff);
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                self.as_str()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0.as_bytes() == other.as_bytes()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::EMPTY
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                // "None" is written as no text.
                if text.is_empty() { Ok(Self::EMPTY) } else { Self::parse(&text).map_err(de::Error::custom) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", self.as_str())
            }
        }
    };
}

const fn printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

const fn id_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'/' | b'_' | b'-')
}

inline_text! {
    /// Id of an order, ours: deterministic, never reused, at most what every exchange takes (36 characters).
    ClientOrderId, 36, "client order id", "A-Z a-z 0-9 . : / _ -", id_character
}
inline_text! {
    /// The decision or command that an order comes from.
    SourceId, 64, "decision id", "printable ASCII", printable
}
inline_text! {
    /// Name of an instrument: `AAPL`, `BTC/USDT`, `BTC/USDT:USDT-251226`.
    Symbol, 32, "symbol", "printable ASCII", printable
}
inline_text! {
    /// Who wants the order: a strategy, an agent set, or `manual`.
    StrategyId, 16, "strategy", "A-Z a-z 0-9 . : / _ -", id_character
}
inline_text! {
    /// Id of an execution: the venue's trade id, or `<client order id>-F<n>` at the practice venue.
    TradeId, 48, "trade id", "A-Z a-z 0-9 . : / _ -", id_character
}
inline_text! {
    /// A currency or asset: `USD`, `USDT`, `BTC`.
    Currency, 12, "currency", "A-Z a-z 0-9 . : / _ -", id_character
}

impl StrategyId {
    /// The text and the zeros behind it.
    #[inline]
    pub(crate) const fn padded(&self) -> &[u8; Self::LONGEST] {
        &self.0.bytes
    }
}

impl Symbol {
    /// The text and the zeros behind it.
    #[inline]
    pub(crate) const fn padded(&self) -> &[u8; Self::LONGEST] {
        &self.0.bytes
    }
}

impl ClientOrderId {
    /// The id of an order made for this one: `<id>-<suffix>`.
    ///
    /// # Errors
    /// Too long together.
    pub fn child(&self, suffix: fmt::Arguments<'_>) -> Result<Self, TextError> {
        Self::parse(&format!("{self}-{suffix}"))
    }

    /// The id of its fill number `number`: `<id>-F<number>`.
    ///
    /// # Errors
    /// Too long together.
    pub fn fill(&self, number: u32) -> Result<TradeId, TextError> {
        // On the path of every fill, so it is put together without formatting: both alphabets are the same.
        let mut text = Inline::<{ TradeId::LONGEST }>::EMPTY;
        let own = usize::from(self.0.length);
        // The unused bytes of the id are zero and are written over, or stay zero.
        if let Some(place) = text.bytes.first_chunk_mut() {
            *place = self.0.bytes;
        }
        if let (0..10, Some([dash, letter, digit])) = (number, text.bytes.get_mut(own..own + 3)) {
            // Nearly every order fills in a few parts.
            (*dash, *letter, *digit) = (b'-', b'F', b'0' + u8::try_from(number).unwrap_or_default());
            text.length = self.0.length + 3;
            return Ok(TradeId(text));
        }
        let mut digits = [b'0'; 10];
        let mut first = digits.len();
        let mut rest = number;
        for (position, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            first = position;
            if rest == 0 {
                break;
            }
        }
        let number = digits.get(first..).unwrap_or_default();
        // The longest id and the largest number have 48 bytes together: nothing is cut.
        let places = text.bytes.iter_mut().skip(own);
        for (to, from) in places.zip(b"-F".iter().chain(number)) {
            *to = *from;
        }
        text.length = self.0.length + 2 + u8::try_from(number.len()).unwrap_or_default();
        Ok(TradeId(text))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[test]
    fn holds_what_ids_are_made_of_and_nothing_else() {
        assert_eq!(
            ClientOrderId::parse("PRA-1-0a:b/c_d.E").map(|id| id.to_string()),
            Ok("PRA-1-0a:b/c_d.E".to_owned())
        );
        for text in ["", " ", "a b", "\u{e4}", "a\n", "x\0", &"x".repeat(37)] {
            assert!(ClientOrderId::parse(text).is_err(), "{text:?} was accepted");
        }
        assert!(Symbol::parse("BTC/USDT:USDT-251226-100000-C").is_ok());
    }

    #[test]
    fn is_found_by_its_text_in_maps() {
        let id = Symbol::parse("BTC/USDT").unwrap_or_default();
        assert_eq!(HashMap::from([(id, 1)]).get("BTC/USDT"), Some(&1));
        assert_eq!(BTreeMap::from([(id, 1)]).get("BTC/USDT"), Some(&1));
        assert!(Symbol::parse("A").ok() < Symbol::parse("AA").ok());
    }

    #[test]
    fn names_children_and_fills() {
        let id = ClientOrderId::parse("PRA-1-ab").unwrap_or_default();
        assert_eq!(id.child(format_args!("SL1")).map(|id| id.to_string()), Ok("PRA-1-ab-SL1".to_owned()));
        assert_eq!(id.fill(2).map(|id| id.to_string()), Ok("PRA-1-ab-F2".to_owned()));
        assert_eq!(id.fill(10).map(|id| id.to_string()), Ok("PRA-1-ab-F10".to_owned()));
        let longest = ClientOrderId::parse(&"x".repeat(36)).unwrap_or_default();
        assert_eq!(longest.fill(u32::MAX).map(|id| id.to_string()), Ok("x".repeat(36) + "-F4294967295"));
        assert_eq!(longest.fill(0), TradeId::parse(&("x".repeat(36) + "-F0")));
        assert!(ClientOrderId::parse(&"x".repeat(36)).unwrap_or_default().child(format_args!("SL1")).is_err());
    }
}
