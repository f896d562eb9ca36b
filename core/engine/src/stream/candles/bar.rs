//! The content of a bar: what can be merged in any order.

use serde::{Deserialize, Serialize};

use crate::stream::output::BarRow;
use crate::stream::quality::Tick;

/// Trades of a span of time. Open and close are those of the first and last trade by time and id, not by arrival, so merging
/// is associative and commutative but for trades of one time without ids that rise, which stand as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Bar {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) open: i64,
    pub(crate) high: i64,
    pub(crate) low: i64,
    pub(crate) close: i64,
    pub(crate) first: (i64, u64),
    pub(crate) last: (i64, u64),
    pub(crate) first_id: u64,
    pub(crate) last_id: u64,
    pub(crate) volume: i128,
    pub(crate) buy_volume: i128,
    /// Price times quantity, 1e-16.
    pub(crate) notional: i128,
    pub(crate) trades: u64,
}

impl Bar {
    /// Without a trade yet.
    pub(crate) fn empty(start: i64, end: i64) -> Self {
        Self { start, end, ..Self::default() }
    }

    /// Without a trade, at the close before.
    pub(crate) fn carried(start: i64, end: i64, close: i64) -> Self {
        Self { start, end, open: close, high: close, low: close, close, ..Self::default() }
    }

    /// Take a trade in.
    #[inline]
    pub(crate) fn add(&mut self, tick: &Tick) {
        self.add_part(tick, tick.quantity, 1);
    }

    /// Take `quantity` of a trade in; `counted` is 1 for one of its parts and 0 for the others.
    #[inline]
    pub(crate) fn add_part(&mut self, tick: &Tick, quantity: i64, counted: u64) {
        let (key, price) = (tick.key(), tick.price);
        if self.volume == 0 && self.trades == 0 {
            (self.open, self.high, self.low, self.close) = (price, price, price, price);
            (self.first, self.last, self.first_id, self.last_id) = (key, key, tick.id, tick.id);
        } else {
            self.high = self.high.max(price);
            self.low = self.low.min(price);
            if key >= self.last {
                (self.close, self.last, self.last_id) = (price, key, tick.id);
            }
            if key < self.first {
                (self.open, self.first, self.first_id) = (price, key, tick.id);
            }
        }
        let wide = i128::from(quantity);
        self.volume += wide;
        if tick.aggressor == 1 {
            self.buy_volume += wide;
        }
        self.notional += i128::from(price) * wide;
        self.trades += counted;
    }

    /// Take the trades of another bar in.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.trades == 0 {
            return;
        }
        if self.trades == 0 {
            *self = Self { start: self.start, end: self.end, ..*other };
            return;
        }
        self.high = self.high.max(other.high);
        self.low = self.low.min(other.low);
        if other.last >= self.last {
            (self.close, self.last, self.last_id) = (other.close, other.last, other.last_id);
        }
        if other.first < self.first {
            (self.open, self.first, self.first_id) = (other.open, other.first, other.first_id);
        }
        self.volume += other.volume;
        self.buy_volume += other.buy_volume;
        self.notional += other.notional;
        self.trades += other.trades;
    }

    /// As it is given out.
    pub(crate) const fn row(&self, symbol: u32, bars: u16, flags: u8, revision: u32) -> BarRow {
        BarRow {
            symbol,
            bars,
            flags,
            revision,
            ts_open: self.start,
            ts_event: self.end,
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
            buy_volume: self.buy_volume,
            notional: self.notional,
            trades: self.trades,
            first_id: self.first_id,
            last_id: self.last_id,
        }
    }
}
