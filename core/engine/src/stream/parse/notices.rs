//! What a parser saw that is no error but somebody should know.

/// Kinds of messages that carry no market data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// A request was accepted, or a list of what is subscribed.
    Answer,
    /// A request was refused.
    Refusal,
    /// A heartbeat, a greeting or a state of the system.
    Status,
    /// The server will close the connection soon: open the next one first.
    Shutdown,
    /// Market data of a kind that is not read (a rolling day, a candle of some venues).
    Unread,
}

/// Counters of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Notices {
    /// Values sent as a number that were strings before, or the other way round: each key is counted once.
    pub type_changes: u32,
    /// The key whose type changed last.
    pub last_type_change: Option<&'static str>,
    /// Times in another unit than the connection's.
    pub unit_changes: u64,
}
