//! The words of a synchroniser: how ids follow each other, its bounds, what breaks a book, what came of an update.

use thiserror::Error;

use crate::book::{DepthError, StepError};

/// How a venue numbers its updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chain {
    /// Ranges without a hole, `U == last u + 1` (Binance spot, KuCoin, Gate).
    Range,
    /// The id before is told, `pu == last u` (Binance USD-M, OKX, Deribit).
    Previous,
    /// One id that rises by 1 (Bybit v5).
    Step,
    /// One id that rises, a hole means nothing (Bitstamp, Bybit before v5).
    Rising,
    /// No ids: order is the connection's (Coinbase, Kraken, BitMEX, OKX before 2023).
    None,
}

/// Bounds of a synchroniser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most updates kept while waiting for a snapshot; the oldest go first, which the first check after the snapshot sees.
    pub buffered: usize,
    /// Most updates in a row after which the book may be crossed or locked.
    pub crossed: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { buffered: 10_000, crossed: 5 }
    }
}

/// Why a book is not believed any more.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Broken {
    /// Updates are missing.
    #[error("updates {from} to {to} are missing; the book needs a new snapshot")]
    Gap {
        /// First id that is missing.
        from: u64,
        /// Last id that is missing, as far as the update tells.
        to: u64,
    },
    /// The update does not tell the id before, which its venue's rule needs.
    #[error("update {last_update} does not say which one it follows; the book needs a new snapshot")]
    NoPrevious {
        /// Id of the update.
        last_update: u64,
    },
    /// First id above the last.
    #[error("update {first_update} to {last_update} ends before it begins; it is damaged")]
    BadRange {
        /// First id.
        first_update: u64,
        /// Last id.
        last_update: u64,
    },
    /// A level off the steps.
    #[error(transparent)]
    Step(StepError),
    /// A level that the book refuses.
    #[error(transparent)]
    Level(DepthError),
    /// Crossed or locked for too long.
    #[error(
        "best bid {bid} is at or above best ask {ask} (ticks) for {updates} updates; the book needs a new snapshot"
    )]
    Crossed {
        /// Best bid.
        bid: i64,
        /// Best ask.
        ask: i64,
        /// Updates in a row.
        updates: u32,
    },
    /// Another book than the venue's.
    #[error("checksum {ours:#010x} differs from the venue's {theirs:#010x}; the book needs a new snapshot")]
    Checksum {
        /// Of our book.
        ours: u32,
        /// The venue's.
        theirs: u32,
    },
    /// The caller lost a message of this book (a parse error, a lost connection).
    #[error("a message of this book was lost; the book needs a new snapshot")]
    Lost,
}

/// What came of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Applied: the book is the venue's as of this update.
    Applied,
    /// Kept until the snapshot comes.
    Buffered,
    /// Old: what it says is in the book already.
    Dropped,
    /// The snapshot was taken and so many kept updates after it: the book is live.
    Synced {
        /// Updates applied after the snapshot.
        applied: usize,
    },
    /// The book is not believed any more: ask for a snapshot.
    Resync(Broken),
}

/// Exact counts: `received = applied + buffered now + dropped + overflowed + breaking`, snapshots not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SyncCounts {
    /// Updates received.
    pub received: u64,
    /// Applied.
    pub applied: u64,
    /// Old or repeated, dropped.
    pub dropped: u64,
    /// Pushed out of the full buffer, or kept in vain when a message between them was lost.
    pub overflowed: u64,
    /// Updates that broke the book (each also a resync).
    pub breaking: u64,
    /// Times a snapshot had to be asked for after the book was live or a snapshot did not fit.
    pub resyncs: u64,
    /// Snapshots taken.
    pub snapshots: u64,
}

/// Whether the book can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncState {
    /// No snapshot yet.
    Waiting,
    /// In step.
    Live,
    /// Not believed; a snapshot is needed.
    Broken(Broken),
}
