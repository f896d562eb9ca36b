//! What a market stream says, once parsed: fixed point, UTC nanoseconds, symbols as dense numbers.
//!
//! Nothing here is checked beyond its form: a negative price is a fact of the message and judged by the processor.

use crate::types::{Price, Quantity, UtcNanos};

/// Number of a symbol in one processor, dense from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SymbolId(pub u32);

/// Who took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Aggressor {
    /// The venue does not say.
    #[default]
    Unknown,
    /// The buyer took.
    Buyer,
    /// The seller took (Binance: `m` is true, the buyer was the maker).
    Seller,
}

/// One trade, or one aggregate of trades at one price (`last_id` above `trade_id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Whose.
    pub symbol: SymbolId,
    /// The venue's id; of an aggregate, its own running id.
    pub trade_id: u64,
    /// Price.
    pub price: Price,
    /// Base quantity.
    pub quantity: Quantity,
    /// Who took.
    pub aggressor: Aggressor,
    /// The venue's clock: time of the trade.
    pub ts_event: UtcNanos,
    /// Our clock: time of receipt.
    pub ts_init: UtcNanos,
}

/// Best bid and ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Whose.
    pub symbol: SymbolId,
    /// The venue's update id, 0 where it has none.
    pub update_id: u64,
    /// Best bid.
    pub bid: Price,
    /// Quantity at the best bid.
    pub bid_quantity: Quantity,
    /// Best ask.
    pub ask: Price,
    /// Quantity at the best ask.
    pub ask_quantity: Quantity,
    /// The venue's clock, `ts_init` where the message has none (Binance spot).
    pub ts_event: UtcNanos,
    /// Our clock.
    pub ts_init: UtcNanos,
}

/// A level of an update: absolute quantity at a price, zero removes it.
pub type Level = (Price, Quantity);

/// Changes of a book, or a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthUpdate<'a> {
    /// Whose.
    pub symbol: SymbolId,
    /// Whether this replaces the book (REST snapshot, first message of venues that begin with one).
    pub snapshot: bool,
    /// First id covered (`U`); equals `last_update` where the venue has one id.
    pub first_update: u64,
    /// Last id covered (`u`, `lastUpdateId`).
    pub last_update: u64,
    /// Last id of the message before (`pu`, USD-M futures).
    pub previous_update: Option<u64>,
    /// The venue's checksum of its book after this update (Kraken, OKX), as 32 bits.
    pub checksum: Option<u32>,
    /// Changed bids.
    pub bids: &'a [Level],
    /// Changed asks.
    pub asks: &'a [Level],
    /// The venue's clock.
    pub ts_event: UtcNanos,
    /// Our clock.
    pub ts_init: UtcNanos,
}

/// A venue's own candle (`kline`) or rolling day (`miniTicker`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueBar {
    /// Whose.
    pub symbol: SymbolId,
    /// Length in nanoseconds (a rolling day for `miniTicker`).
    pub length: i64,
    /// Whether it will not change any more; a rolling day never closes.
    pub closed: bool,
    /// Begin, by the venue's clock.
    pub ts_open: UtcNanos,
    /// Open.
    pub open: Price,
    /// High.
    pub high: Price,
    /// Low.
    pub low: Price,
    /// Close.
    pub close: Price,
    /// Base volume.
    pub volume: Quantity,
    /// Number of trades, where known.
    pub trades: u64,
    /// The venue's clock: time of the message.
    pub ts_event: UtcNanos,
    /// Our clock.
    pub ts_init: UtcNanos,
}

/// One parsed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A trade or an aggregate.
    Trade(Trade),
    /// Best bid and ask.
    Quote(Quote),
    /// Book changes.
    Depth(DepthUpdate<'a>),
    /// A venue's candle or rolling day.
    Bar(VenueBar),
    /// A message that carries no market data: an answer to a subscription, a heartbeat, a service notice.
    Service,
}
