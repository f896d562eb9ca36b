//! Exact counts of what came and what became of it.

use serde::{Deserialize, Serialize};

/// Messages of one kind: `received = ok + duplicate + late + bad + quarantined + waiting` at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Given to the processor.
    pub received: u64,
    /// Accepted.
    pub ok: u64,
    /// Came before with the same content.
    pub duplicate: u64,
    /// Came too late for any bar that is still kept, or below an id that is already superseded.
    pub late: u64,
    /// Refused: no market can have said this, or it could not be read.
    pub bad: u64,
    /// In quarantine, discarded from it, or evicted; released ones are counted where they went.
    pub quarantined: u64,
    /// In the reordering or under suspicion: decided by what comes next.
    pub waiting: u64,
}

impl Counts {
    /// Whether the identity holds.
    #[must_use]
    pub const fn reconciles(&self) -> bool {
        self.received == self.ok + self.duplicate + self.late + self.bad + self.quarantined + self.waiting
    }
}

/// The counts of a symbol, a kind of message; and what else happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Trades.
    pub trades: Counts,
    /// Quotes.
    pub quotes: Counts,
    /// Book updates.
    pub depth: Counts,
    /// The venue's own bars.
    pub venue_bars: Counts,
    /// Messages that could not be read.
    pub unreadable: Counts,
    /// Gaps found.
    pub gaps: u64,
    /// Trade ids missed when their gaps were found.
    pub missing: u64,
    /// Missing trades that came.
    pub filled: u64,
    /// Trades taken into the bars behind the watermark.
    pub behind: u64,
    /// Quotes with the bid at or above the ask.
    pub crossed: u64,
    /// New starts of the trade ids.
    pub id_resets: u64,
    /// Trades released from the quarantine.
    pub released: u64,
    /// Trades discarded from the quarantine.
    pub discarded: u64,
    /// Trades that left a full reordering before their time.
    pub hurried: u64,
}

impl Counters {
    /// Whether the identity holds for every kind of message.
    #[must_use]
    pub const fn reconciles(&self) -> bool {
        self.trades.reconciles()
            && self.quotes.reconciles()
            && self.depth.reconciles()
            && self.venue_bars.reconciles()
            && self.unreadable.reconciles()
    }
}
