//! A table as columns, and the count of what it took and lost.

use serde::{Deserialize, Serialize};

use super::{OutputConfig, Overflow};

/// Columns of equal length.
pub trait Columns {
    /// Rows.
    fn rows(&self) -> usize;
    /// Forget the first `count` rows.
    fn drop_first(&mut self, count: usize);
}

/// Rows a table made and lost; what left with a batch or waits there is `made - dropped - refused`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows made.
    pub made: u64,
    /// Lost as the oldest ones ([`Overflow::DropOldest`]).
    pub dropped: u64,
    /// Lost as the new ones ([`Overflow::Refuse`]).
    pub refused: u64,
}

impl Tally {
    /// Count a row that is to be added to `table`; whether it may be.
    #[inline]
    pub(super) fn admit<T: Columns>(&mut self, table: &mut T, config: OutputConfig) -> bool {
        self.made += 1;
        if table.rows() < config.capacity {
            return true;
        }
        match config.overflow {
            Overflow::Block => true,
            Overflow::DropOldest => {
                // Half at a time, so that the move of what remains is paid by as many new rows.
                let count = table.rows() - config.capacity / 2;
                table.drop_first(count);
                self.dropped += count as u64;
                true
            }
            Overflow::Refuse => {
                self.refused += 1;
                false
            }
        }
    }
}

/// A value that can stand in a column.
pub(super) trait Cell: Copy {
    /// Write it into a hash.
    fn hash(self, hasher: &mut crate::types::StateHasher);
}

macro_rules! cells {
    ($($kind:ty),*) => {
        $(impl Cell for $kind {
            fn hash(self, hasher: &mut crate::types::StateHasher) {
                hasher.bytes(&self.to_le_bytes());
            }
        })*
    };
}

cells!(u8, u16, u32, u64, i64, i128, f64);

/// A table: a struct with a vector a column and what every table can do. `symbol` is the first column of each.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$column_doc:meta])* $column:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$column_doc])* pub $column: Vec<$kind>,)*
        }

        impl $name {
            /// Rows.
            #[must_use]
            pub const fn len(&self) -> usize {
                self.symbol.len()
            }

            /// Whether there is none.
            #[must_use]
            pub const fn is_empty(&self) -> bool {
                self.symbol.is_empty()
            }

            /// Append the rows of a later table.
            pub fn append(&mut self, later: &Self) {
                $(self.$column.extend_from_slice(&later.$column);)*
            }

            /// Read the end of every column, so that the next row does not wait for memory that was long not used.
            pub fn look(&self) {
                $(std::hint::black_box(self.$column.last().copied());)*
            }

            pub(super) fn clear(&mut self) {
                $(self.$column.clear();)*
            }

            pub(super) fn hash(&self, hasher: &mut crate::types::StateHasher) {
                hasher.word(self.len() as u64);
                $(
                    hasher.text(stringify!($column));
                    self.$column.iter().for_each(|value| super::columns::Cell::hash(*value, hasher));
                )*
            }
        }

        impl super::columns::Columns for $name {
            #[inline]
            fn rows(&self) -> usize {
                self.symbol.len()
            }

            fn drop_first(&mut self, count: usize) {
                // A column that has several values a row is longer by a whole factor.
                let rows = self.symbol.len().max(1);
                $(
                    let values = self.$column.len() / rows * count;
                    self.$column.drain(..values.min(self.$column.len()));
                )*
            }
        }
    };
}

pub(super) use table;
