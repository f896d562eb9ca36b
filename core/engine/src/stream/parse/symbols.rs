//! The symbols of a processor: venue's spelling to dense number.
//!
//! A lookup hashes at most eight bytes of the name and compares once: O(1), no allocation.

use thiserror::Error;

use crate::stream::event::SymbolId;
use crate::types::{Price, Quantity, Symbol, TextError};

/// A symbol that cannot be registered.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SymbolsError {
    /// The name is no symbol.
    #[error(transparent)]
    Name(#[from] TextError),
    /// The name is there already (names differ by more than the case of their letters).
    #[error("symbol {name} is registered already; register each symbol once")]
    Twice {
        /// The name.
        name: Symbol,
    },
    /// A step of zero or less.
    #[error("symbol {name}: {what} {step} (1e-8 units) must be greater than 0; leave it out where it is unknown")]
    BadStep {
        /// The symbol.
        name: Symbol,
        /// `price step` or `quantity step`.
        what: &'static str,
        /// The step in 1e-8 units.
        step: i64,
    },
    /// No number left.
    #[error("{count} symbols are registered already, the most there can be")]
    Full {
        /// How many.
        count: usize,
    },
}

/// What the prices and quantities of a symbol are multiples of, in 1e-8 units; 0 where unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Steps {
    pub(super) price: i64,
    pub(super) quantity: i64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    name: Symbol,
    steps: Steps,
}

const EMPTY: u32 = u32::MAX;

/// Registry of symbols, numbered from 0 in the order they were added. Names are as the venue spells them, the case of
/// letters aside.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    entries: Vec<Entry>,
    /// Open addressing, a power of two at least twice the entries.
    table: Vec<u32>,
}

/// Mixes the first and the last four bytes and the length; bit 5, the case of letters, is left out.
#[inline]
fn hash(name: &[u8]) -> usize {
    let word = |bytes: Option<&[u8; 4]>| {
        bytes.map_or_else(
            || name.iter().fold(0, |word, byte| (word << 8) | u32::from(*byte)),
            |bytes| u32::from_be_bytes(*bytes),
        )
    };
    let ends = (u64::from(word(name.first_chunk())) << 32) | u64::from(word(name.last_chunk()));
    let mixed = ((ends & 0xDFDF_DFDF_DFDF_DFDF) ^ name.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> 40).unwrap_or_default()
}

/// Whether two names are equal. Of the usual lengths the first and the last bytes, which overlap, are the whole name.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    match one.len() {
        length if length != other.len() => false,
        4..=8 => one.first_chunk::<4>() == other.first_chunk() && one.last_chunk::<4>() == other.last_chunk(),
        9..=16 => one.first_chunk::<8>() == other.first_chunk() && one.last_chunk::<8>() == other.last_chunk(),
        _ => one == other,
    }
}

impl Symbols {
    /// No symbols.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The symbols of these names, numbered in their order.
    ///
    /// # Errors
    /// [`SymbolsError`].
    pub fn of(names: &[&str]) -> Result<Self, SymbolsError> {
        let mut symbols = Self::new();
        for name in names {
            symbols.add(name)?;
        }
        Ok(symbols)
    }

    /// Register a name whose steps are not known.
    ///
    /// # Errors
    /// [`SymbolsError`].
    pub fn add(&mut self, name: &str) -> Result<SymbolId, SymbolsError> {
        self.insert(name, Steps::default())
    }

    /// Register a name and the steps of its price and quantity; a message off these steps is refused.
    ///
    /// # Errors
    /// [`SymbolsError`].
    pub fn add_with_steps(
        &mut self,
        name: &str,
        price_step: Option<Price>,
        quantity_step: Option<Quantity>,
    ) -> Result<SymbolId, SymbolsError> {
        let symbol = Symbol::parse(name)?;
        let check = |what, step: Option<i64>| match step {
            None => Ok(0),
            Some(step) if step > 0 => Ok(step),
            Some(step) => Err(SymbolsError::BadStep { name: symbol, what, step }),
        };
        let price = check("price step", price_step.map(Price::raw))?;
        let quantity = check("quantity step", quantity_step.map(Quantity::raw))?;
        self.insert(name, Steps { price, quantity })
    }

    fn insert(&mut self, name: &str, steps: Steps) -> Result<SymbolId, SymbolsError> {
        let name = Symbol::parse(name)?;
        if self.find(name.as_bytes()).is_some() {
            return Err(SymbolsError::Twice { name });
        }
        let count = self.entries.len();
        let number = u32::try_from(count).ok().filter(|number| *number < EMPTY);
        let Some(number) = number else { return Err(SymbolsError::Full { count }) };
        self.entries.push(Entry { name, steps });
        if self.table.len() < 2 * self.entries.len() {
            self.table = vec![EMPTY; (4 * self.entries.len()).next_power_of_two().max(16)];
            for number in 0..=number {
                self.place(number);
            }
        } else {
            self.place(number);
        }
        Ok(SymbolId(number))
    }

    fn place(&mut self, number: u32) {
        let Some(entry) = self.entries.get(number as usize) else { return };
        let mask = self.table.len().wrapping_sub(1);
        let mut at = hash(entry.name.as_bytes()) & mask;
        // At least half of the table is empty, so this ends.
        while let Some(slot) = self.table.get_mut(at) {
            if *slot == EMPTY {
                *slot = number;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// The number of a name.
    #[must_use]
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<SymbolId> {
        let mask = self.table.len().wrapping_sub(1);
        let mut at = hash(name) & mask;
        loop {
            let number = *self.table.get(at)?;
            // An empty slot names no entry: not found.
            let entry = self.entries.get(number as usize)?;
            let own = entry.name.as_bytes();
            if same(own, name) || own.eq_ignore_ascii_case(name) {
                return Some(SymbolId(number));
            }
            at = (at + 1) & mask;
        }
    }

    /// The name of a number.
    #[must_use]
    pub fn name(&self, id: SymbolId) -> Option<&str> {
        self.entries.get(id.0 as usize).map(|entry| entry.name.as_str())
    }

    #[inline]
    pub(super) fn steps(&self, id: SymbolId) -> Steps {
        self.entries.get(id.0 as usize).map_or_else(Steps::default, |entry| entry.steps)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_name_in_any_case_and_no_other() {
        let names: Vec<String> = (0..500).map(|number| format!("S{number}USDT")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let symbols = Symbols::of(&names).unwrap_or_default();
        assert_eq!(symbols.len(), 500);
        for (number, name) in (0..).zip(&names) {
            assert_eq!(symbols.find(name.as_bytes()), Some(SymbolId(number)));
            assert_eq!(symbols.find(name.to_lowercase().as_bytes()), Some(SymbolId(number)));
            assert_eq!(symbols.name(SymbolId(number)), Some(*name));
        }
        for name in ["", "S", "S500USDT", "S1USDTX", "S1USD\x54\x00", "s1usd\u{f4}"] {
            assert_eq!(symbols.find(name.as_bytes()), None, "{name:?}");
        }
        assert_eq!(Symbols::new().find(b"BTCUSDT"), None);
    }

    #[test]
    fn refuses_a_name_twice_and_a_step_of_zero() {
        let mut symbols = Symbols::of(&["BTC/USD"]).unwrap_or_default();
        assert!(matches!(symbols.add("btc/usd"), Err(SymbolsError::Twice { .. })));
        assert!(matches!(symbols.add(""), Err(SymbolsError::Name(_))));
        let step = symbols.add_with_steps("ETH/USD", Some(Price::ZERO), None);
        assert!(matches!(step, Err(SymbolsError::BadStep { .. })));
        assert_eq!(symbols.len(), 1);
    }
}
