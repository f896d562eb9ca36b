//! Rare events: what a desk has to know about its feed.

use crate::stream::event::SymbolId;

/// What happened. The meaning of the columns `from`, `to`, `price`, `quantity` and `value` is said at each kind; others are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EventKind {
    /// Trade ids `from..=to` are missing: ask the venue for them and give them to
    /// [`backfill`](crate::stream::processor::Processor::backfill). `value`: ns between the trades around the hole.
    Gap = 0,
    /// Every trade of the gap `from..=to` has come.
    GapFilled = 1,
    /// The venue began its ids anew: `from` is the last old one, `to` the first new one.
    IdReset = 2,
    /// A closed bar changed: `bars` says of which kind, `value` is its start; the bar itself is in the bars' table.
    Revision = 3,
    /// A trade is kept aside: `from` its id, `to` its key in the quarantine, `price`, `quantity`.
    Quarantined = 4,
    /// A trade left the quarantine into the bars: as above.
    Released = 5,
    /// A trade was discarded from the quarantine by the caller: as above.
    Discarded = 6,
    /// The quarantine was full and its oldest trade left it: as above. Its row here is what remains of it.
    Evicted = 7,
    /// A trade came too late for any bar that is still kept: `from` its id, `price`, `quantity`, `value` ns behind the watermark.
    Late = 8,
    /// A message was refused: `from` its id, `price`, `quantity`.
    Bad = 9,
    /// Nothing came for `value` ns; `from` is the median gap in ns.
    Stale = 10,
    /// A stale feed speaks again after `value` ns.
    Resumed = 11,
    /// The venue's clock runs `value` ns before ours (negative: behind), more than the alarm.
    ClockSkew = 12,
    /// The clocks agree again: `value` as above.
    ClockAgreed = 13,
    /// A book asks for a new snapshot: `from` the last good update id.
    Resync = 14,
    /// Trading halted (`value` 1) or resumed (`value` 0).
    Status = 15,
    /// Empty bars were not written, as more than the bound would follow each other: `bars`, `from` how many, `value` the
    /// start of the first.
    Skipped = 16,
    /// The reorder buffer was full and gave out its oldest trade before its time: `from` its id.
    Hurried = 17,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Reason {
    /// Nothing to add.
    #[default]
    None = 0,
    /// A price of zero or less (rule 6).
    Price = 1,
    /// A price off the tick grid (rule 6).
    OffGrid = 2,
    /// A quantity of zero or less (rule 7).
    Quantity = 3,
    /// A time further in the future than the bound (rule 5).
    Future = 4,
    /// A time before 1970 or near the end of 64 bits.
    Time = 5,
    /// A symbol the processor was not made for (rule 13).
    UnknownSymbol = 6,
    /// The symbol is halted (rule 13).
    Halted = 7,
    /// The same id with another content (rule 1).
    Conflict = 8,
    /// Far from its neighbours, and the next trade went back (rule 8).
    Spike = 9,
    /// The message could not be read (rules 14 to 16).
    Unreadable = 10,
    /// Bid at or above ask (rule 9).
    Crossed = 11,
    /// Open, high, low and close that contradict each other.
    Shape = 12,
    /// The chain of update ids broke (rule 10).
    Chain = 13,
    /// The checksum differs (rule 11).
    Checksum = 14,
}

/// `bars` of an event that is about no bar.
pub const NO_BARS: u16 = u16::MAX;

/// One rare event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Whose; `u32::MAX` where nobody knows.
    pub symbol: SymbolId,
    /// What.
    pub kind: EventKind,
    /// Why.
    pub reason: Reason,
    /// Which of the configured bars, or [`NO_BARS`].
    pub bars: u16,
    /// The venue's time of what it is about.
    pub ts_event: i64,
    /// Our time.
    pub ts_init: i64,
    /// See the kind.
    pub from: u64,
    /// See the kind.
    pub to: u64,
    /// See the kind.
    pub price: i64,
    /// See the kind.
    pub quantity: i64,
    /// See the kind.
    pub value: i64,
}

impl EventRow {
    /// An event with nothing but what it is.
    #[must_use]
    pub const fn new(symbol: SymbolId, kind: EventKind, ts_event: i64, ts_init: i64) -> Self {
        Self {
            symbol,
            kind,
            reason: Reason::None,
            bars: NO_BARS,
            ts_event,
            ts_init,
            from: 0,
            to: 0,
            price: 0,
            quantity: 0,
            value: 0,
        }
    }
}
