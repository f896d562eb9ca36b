//! The tables and their rows.

use super::EventRow;
use super::columns::table;
use crate::stream::event::{Aggressor, Quote, Trade, VenueBar};

/// Bits of a `flags` column.
pub mod flags {
    /// Of a bar: trades of its time are missing.
    pub const INCOMPLETE: u8 = 1;
    /// Of a bar: given out before, and changed since.
    pub const REVISED: u8 = 2;
    /// Of a bar: no trade; the last close is carried.
    pub const CARRIED: u8 = 4;
    /// Of a bar: still forming when the stream ended.
    pub const PARTIAL: u8 = 8;
    /// Of a volume or dollar bar: larger than its size, as one trade would have made too many bars.
    pub const OVERSIZE: u8 = 16;
    /// Of a trade: it came behind the watermark and changed closed bars.
    pub const BEHIND: u8 = 32;
    /// Of a trade: it was in quarantine.
    pub const RELEASED: u8 = 64;
    /// Of a quote: bid at or above ask.
    pub const CROSSED: u8 = 128;
}

table! {
    /// Accepted trades, in the order they entered the bars.
    Trades {
        /// Symbol.
        symbol: u32,
        /// The venue's id.
        trade_id: u64,
        /// Price, 1e-8.
        price: i64,
        /// Quantity, 1e-8.
        quantity: i64,
        /// 0 unknown, 1 buyer, 2 seller.
        aggressor: u8,
        /// [`flags`].
        flags: u8,
        /// The venue's time.
        ts_event: i64,
        /// Our time.
        ts_init: i64,
    }
}

table! {
    /// Accepted quotes.
    Quotes {
        /// Symbol.
        symbol: u32,
        /// The venue's update id.
        update_id: u64,
        /// Best bid, 1e-8.
        bid: i64,
        /// Its quantity, 1e-8.
        bid_quantity: i64,
        /// Best ask, 1e-8.
        ask: i64,
        /// Its quantity, 1e-8.
        ask_quantity: i64,
        /// [`flags`].
        flags: u8,
        /// The venue's time.
        ts_event: i64,
        /// Our time.
        ts_init: i64,
    }
}

table! {
    /// Closed bars, and bars that changed after they closed.
    Bars {
        /// Symbol.
        symbol: u32,
        /// Which of the configured bars.
        bars: u16,
        /// [`flags`].
        flags: u8,
        /// How often it was given out before.
        revision: u32,
        /// Its start; of tick, volume and dollar bars the time of the first trade.
        ts_open: i64,
        /// Its end (a tick at it opens the next one); of tick, volume and dollar bars the time of the last trade.
        ts_event: i64,
        /// Open, 1e-8.
        open: i64,
        /// High, 1e-8.
        high: i64,
        /// Low, 1e-8.
        low: i64,
        /// Close, 1e-8.
        close: i64,
        /// Volume, 1e-8.
        volume: i128,
        /// Volume taken by buyers, 1e-8.
        buy_volume: i128,
        /// Sum of price times quantity, 1e-16; over the volume it is the VWAP.
        notional: i128,
        /// Trades.
        trades: u64,
        /// Id of the first trade.
        first_id: u64,
        /// Id of the last trade.
        last_id: u64,
    }
}

table! {
    /// Indicator values, a row a bar of [`Bars`] whose kind has indicators.
    IndicatorValues {
        /// Symbol.
        symbol: u32,
        /// Which of the configured bars.
        bars: u16,
        /// How often the row was given out before.
        revision: u32,
        /// Start of the bar.
        ts_open: i64,
        /// End of the bar.
        ts_event: i64,
        /// The numbers, row after row, as many a row as the bars with the most indicator outputs have; NaN behind the
        /// outputs of bars that have fewer.
        values: f64,
    }
}

table! {
    /// The venue's own bars.
    VenueBars {
        /// Symbol.
        symbol: u32,
        /// Length in ns.
        length: i64,
        /// 1 when it will not change any more.
        closed: u8,
        /// Begin.
        ts_open: i64,
        /// Open, 1e-8.
        open: i64,
        /// High, 1e-8.
        high: i64,
        /// Low, 1e-8.
        low: i64,
        /// Close, 1e-8.
        close: i64,
        /// Volume, 1e-8.
        volume: i64,
        /// Trades.
        trades: u64,
        /// The venue's time of the message.
        ts_event: i64,
        /// Our time.
        ts_init: i64,
    }
}

table! {
    /// Rare events; see [`EventKind`](super::EventKind) for what the columns mean.
    Events {
        /// Symbol, `u32::MAX` where nobody knows.
        symbol: u32,
        /// [`EventKind`](super::EventKind) as a number.
        kind: u8,
        /// [`Reason`](super::Reason) as a number.
        reason: u8,
        /// Which of the configured bars.
        bars: u16,
        /// The venue's time.
        ts_event: i64,
        /// Our time.
        ts_init: i64,
        /// See the kind.
        from: u64,
        /// See the kind.
        to: u64,
        /// See the kind.
        price: i64,
        /// See the kind.
        quantity: i64,
        /// See the kind.
        value: i64,
    }
}

/// An accepted trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// The trade.
    pub trade: Trade,
    /// [`flags`].
    pub flags: u8,
}

/// An accepted quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuoteRow {
    /// The quote.
    pub quote: Quote,
    /// [`flags`].
    pub flags: u8,
}

/// A bar as it is given out; the columns of [`Bars`] say what each field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "said at the columns")]
pub struct BarRow {
    pub symbol: u32,
    pub bars: u16,
    pub flags: u8,
    pub revision: u32,
    pub ts_open: i64,
    pub ts_event: i64,
    pub open: i64,
    pub high: i64,
    pub low: i64,
    pub close: i64,
    pub volume: i128,
    pub buy_volume: i128,
    pub notional: i128,
    pub trades: u64,
    pub first_id: u64,
    pub last_id: u64,
}

const fn aggressor(who: Aggressor) -> u8 {
    match who {
        Aggressor::Unknown => 0,
        Aggressor::Buyer => 1,
        Aggressor::Seller => 2,
    }
}

impl Trades {
    #[inline]
    pub(super) fn push(&mut self, row: &TradeRow) {
        let trade = &row.trade;
        self.symbol.push(trade.symbol.0);
        self.trade_id.push(trade.trade_id);
        self.price.push(trade.price.raw());
        self.quantity.push(trade.quantity.raw());
        self.aggressor.push(aggressor(trade.aggressor));
        self.flags.push(row.flags);
        self.ts_event.push(trade.ts_event.0);
        self.ts_init.push(trade.ts_init.0);
    }
}

impl Quotes {
    #[inline]
    pub(super) fn push(&mut self, row: &QuoteRow) {
        let quote = &row.quote;
        self.symbol.push(quote.symbol.0);
        self.update_id.push(quote.update_id);
        self.bid.push(quote.bid.raw());
        self.bid_quantity.push(quote.bid_quantity.raw());
        self.ask.push(quote.ask.raw());
        self.ask_quantity.push(quote.ask_quantity.raw());
        self.flags.push(row.flags);
        self.ts_event.push(quote.ts_event.0);
        self.ts_init.push(quote.ts_init.0);
    }
}

impl Bars {
    pub(super) fn push(&mut self, row: &BarRow) {
        self.symbol.push(row.symbol);
        self.bars.push(row.bars);
        self.flags.push(row.flags);
        self.revision.push(row.revision);
        self.ts_open.push(row.ts_open);
        self.ts_event.push(row.ts_event);
        self.open.push(row.open);
        self.high.push(row.high);
        self.low.push(row.low);
        self.close.push(row.close);
        self.volume.push(row.volume);
        self.buy_volume.push(row.buy_volume);
        self.notional.push(row.notional);
        self.trades.push(row.trades);
        self.first_id.push(row.first_id);
        self.last_id.push(row.last_id);
    }

    /// One bar, as a row.
    #[must_use]
    pub fn row(&self, at: usize) -> Option<BarRow> {
        Some(BarRow {
            symbol: *self.symbol.get(at)?,
            bars: *self.bars.get(at)?,
            flags: *self.flags.get(at)?,
            revision: *self.revision.get(at)?,
            ts_open: *self.ts_open.get(at)?,
            ts_event: *self.ts_event.get(at)?,
            open: *self.open.get(at)?,
            high: *self.high.get(at)?,
            low: *self.low.get(at)?,
            close: *self.close.get(at)?,
            volume: *self.volume.get(at)?,
            buy_volume: *self.buy_volume.get(at)?,
            notional: *self.notional.get(at)?,
            trades: *self.trades.get(at)?,
            first_id: *self.first_id.get(at)?,
            last_id: *self.last_id.get(at)?,
        })
    }
}

impl IndicatorValues {
    pub(super) fn push(&mut self, row: &BarRow, values: &[f64]) {
        self.symbol.push(row.symbol);
        self.bars.push(row.bars);
        self.revision.push(row.revision);
        self.ts_open.push(row.ts_open);
        self.ts_event.push(row.ts_event);
        self.values.extend_from_slice(values);
    }
}

impl VenueBars {
    pub(super) fn push(&mut self, bar: &VenueBar) {
        self.symbol.push(bar.symbol.0);
        self.length.push(bar.length);
        self.closed.push(u8::from(bar.closed));
        self.ts_open.push(bar.ts_open.0);
        self.open.push(bar.open.raw());
        self.high.push(bar.high.raw());
        self.low.push(bar.low.raw());
        self.close.push(bar.close.raw());
        self.volume.push(bar.volume.raw());
        self.trades.push(bar.trades);
        self.ts_event.push(bar.ts_event.0);
        self.ts_init.push(bar.ts_init.0);
    }
}

impl Events {
    pub(super) fn push(&mut self, row: &EventRow) {
        self.symbol.push(row.symbol.0);
        self.kind.push(row.kind as u8);
        self.reason.push(row.reason as u8);
        self.bars.push(row.bars);
        self.ts_event.push(row.ts_event);
        self.ts_init.push(row.ts_init);
        self.from.push(row.from);
        self.to.push(row.to);
        self.price.push(row.price);
        self.quantity.push(row.quantity);
        self.value.push(row.value);
    }
}
