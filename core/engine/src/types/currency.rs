//! Name of a currency or asset, inline and `Copy`: `USD`, `USDT`, `1000SATS`.
//!
//! Invariants: 1 to 16 visible ASCII characters, padded with zero bytes, so that the order of the bytes is the order of
//! the text.

use std::fmt;

use super::AmountError;

/// A currency or asset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 16]);

impl Currency {
    /// `XXX`, which ISO 4217 keeps for "no currency": accounts and instruments that never said which they use.
    pub const UNSPECIFIED: Self = Self(*b"XXX\0\0\0\0\0\0\0\0\0\0\0\0\0");

    /// A currency by its name.
    ///
    /// # Errors
    /// Empty, longer than 16 bytes, or anything but visible ASCII.
    pub fn new(name: &str) -> Result<Self, AmountError> {
        let mut bytes = [0_u8; 16];
        let fits = !name.is_empty() && name.len() <= bytes.len() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            let text = name.chars().take(32).collect();
            return Err(AmountError::BadName { what: "currency", text, longest: bytes.len() });
        }
        for (slot, byte) in bytes.iter_mut().zip(name.bytes()) {
            *slot = byte;
        }
        Ok(Self(bytes))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        // Only ASCII gets in, so neither default is ever taken.
        self.0.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self::UNSPECIFIED
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Currency({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_name_and_its_order() {
        for name in ["USD", "1000SATS", "ABCDEFGHIJKLMNOP"] {
            assert_eq!(Currency::new(name).map(|currency| currency.to_string()), Ok(name.to_owned()));
        }
        assert!(Currency::new("USD") < Currency::new("USDT"));
        assert_eq!(Currency::default(), Currency::UNSPECIFIED);
    }

    #[test]
    fn refuses_what_is_no_name() {
        for name in ["", "ABCDEFGHIJKLMNOPQ", "U D", "€", "U\0D", "\n"] {
            assert!(Currency::new(name).is_err(), "{name:?} was accepted");
        }
    }
}
