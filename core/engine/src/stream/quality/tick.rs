//! A trade inside the processor: plain integers that can be saved.

use serde::{Deserialize, Serialize};

use crate::stream::event::{Aggressor, SymbolId, Trade};
use crate::types::{Price, Quantity, UtcNanos};

/// A trade of one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Tick {
    pub(crate) id: u64,
    /// Place among trades of one time: the id where ids rise, else the number of its arrival.
    pub(crate) order: u64,
    pub(crate) price: i64,
    pub(crate) quantity: i64,
    pub(crate) ts_event: i64,
    pub(crate) ts_init: i64,
    /// 0 unknown, 1 buyer, 2 seller.
    pub(crate) aggressor: u8,
}

impl Tick {
    #[inline]
    pub(crate) const fn of(trade: &Trade, order: u64) -> Self {
        let aggressor = match trade.aggressor {
            Aggressor::Unknown => 0,
            Aggressor::Buyer => 1,
            Aggressor::Seller => 2,
        };
        Self {
            id: trade.trade_id,
            order,
            price: trade.price.raw(),
            quantity: trade.quantity.raw(),
            ts_event: trade.ts_event.0,
            ts_init: trade.ts_init.0,
            aggressor,
        }
    }

    #[inline]
    pub(crate) const fn trade(&self, symbol: SymbolId) -> Trade {
        let aggressor = match self.aggressor {
            1 => Aggressor::Buyer,
            2 => Aggressor::Seller,
            _ => Aggressor::Unknown,
        };
        Trade {
            symbol,
            trade_id: self.id,
            price: Price::from_raw(self.price),
            quantity: Quantity::from_raw(self.quantity),
            aggressor,
            ts_event: UtcNanos(self.ts_event),
            ts_init: UtcNanos(self.ts_init),
        }
    }

    /// Order of trades: the venue's time, then its id or the arrival.
    #[inline]
    pub(crate) const fn key(&self) -> (i64, u64) {
        (self.ts_event, self.order)
    }
}
