//! An instrument at the exchange and where its trades come from.

use std::collections::BTreeSet;

use super::config::LiquidityKind;
use super::error::ExchangeError;
use super::replica::Replica;
use crate::book::{Book, LevelChange, Lots, Ticks};
use crate::matching::TriggerBook;
use crate::types::{Instrument, Price, Quantity, SCALE, Side, UtcNanos};

#[derive(Clone, Debug)]
pub(super) enum Liquidity {
    Book(Box<Book>),
    Depth(Box<Replica>),
}

#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub instrument: Instrument,
    /// What one lot of the book is: the instrument's, or smaller where odd lots may be sold.
    pub lot: Quantity,
    pub liquidity: Liquidity,
    pub triggers: TriggerBook,
    /// Resting orders, bids and asks, that are OCO or may only shrink: a match on their side goes order by order.
    pub delicate: [u32; 2],
    pub last_trade: Option<Price>,
    pub mark: Option<Price>,
    /// Trades so far.
    pub trades: u64,
    pub changes: Vec<LevelChange>,
}

pub(super) const fn side_slot(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

impl Listing {
    pub(super) fn new(instrument: Instrument, kind: LiquidityKind) -> Result<Self, ExchangeError> {
        let instrument = instrument.validated()?;
        let bad = |problem| ExchangeError::BadListing { symbol: instrument.symbol, problem };
        // Odd lots are sold share by share.
        let lot = if instrument.odd_lot_exit && instrument.lot_size.raw() % SCALE == 0 {
            Quantity::from_raw(SCALE)
        } else {
            instrument.lot_size
        };
        // One lot at one tick must be a whole amount, so that the money of a trade is exact however it is cut.
        let scale = i128::from(SCALE);
        let units = i128::from(lot.raw()) * i128::from(instrument.multiplier.raw());
        if units % scale != 0 || (units / scale) * i128::from(instrument.tick_size.raw()) % scale != 0 {
            return Err(bad("one lot at one tick is no multiple of 1e-8; take a coarser tick or lot"));
        }
        let liquidity = match kind {
            LiquidityKind::Book => Liquidity::Book(Box::default()),
            LiquidityKind::Depth => Liquidity::Depth(Box::new(Replica::new())),
        };
        Ok(Self {
            instrument,
            lot,
            liquidity,
            triggers: TriggerBook::new(instrument.tick_size),
            delicate: [0; 2],
            last_trade: None,
            mark: None,
            trades: 0,
            changes: Vec::new(),
        })
    }

    /// Best price of a side.
    #[inline]
    pub(super) fn best(&self, side: Side) -> Option<Ticks> {
        match &self.liquidity {
            Liquidity::Book(book) => book.best(side).map(|level| level.price),
            Liquidity::Depth(replica) => replica.depth.best(side).map(|level| level.price),
        }
    }

    pub(super) fn best_price(&self, side: Side) -> Option<Price> {
        self.best(side).and_then(|ticks| ticks.to_price(self.instrument.tick_size).ok())
    }

    /// Count a resting order that must be matched with care in or out.
    pub(super) fn count_delicate(&mut self, side: Side, enters: bool) {
        if let Some(count) = self.delicate.get_mut(side_slot(side)) {
            *count = if enters { *count + 1 } else { count.saturating_sub(1) };
        }
    }

    pub(super) fn is_delicate(&self, side: Side) -> bool {
        self.delicate.get(side_slot(side)).is_some_and(|count| *count > 0)
    }

    pub(super) fn price(&self, ticks: Ticks) -> Result<Price, ExchangeError> {
        Ok(ticks.to_price(self.instrument.tick_size)?)
    }

    pub(super) fn quantity(&self, lots: i64) -> Result<Quantity, ExchangeError> {
        Ok(Lots(lots).to_quantity(self.lot)?)
    }

    pub(super) fn lots(&self, quantity: Quantity) -> Result<i64, ExchangeError> {
        Ok(Lots::from_quantity(quantity, self.lot)?.0)
    }

    /// Units behind a quantity: times the multiplier.
    pub(super) fn units(&self, quantity: Quantity) -> Result<Quantity, ExchangeError> {
        Ok(Quantity::from_raw(self.instrument.units(quantity.signed(true))?.raw()))
    }

    /// The mark price: the one that was given, else the last trade, else the middle of the quote.
    pub(super) fn mark_price(&self) -> Option<Price> {
        self.mark.or(self.last_trade).or_else(|| {
            let (bid, ask) = (self.best_price(Side::Buy)?, self.best_price(Side::Sell)?);
            Some(Price::from_raw(bid.raw() / 2 + ask.raw() / 2 + (bid.raw() % 2 + ask.raw() % 2) / 2))
        })
    }
}

/// Resting orders of a replica: by price from the best, then by arrival.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    /// Rank of the price (lower is better) and key.
    pub orders: BTreeSet<(i64, u64)>,
}

impl Queue {
    /// Lower is better.
    pub(super) const fn rank(side: Side, price: Ticks) -> i64 {
        match side {
            Side::Buy => !price.0,
            Side::Sell => price.0,
        }
    }

    /// The first order at or behind a place, better than or at `worst`.
    pub(super) fn next(&self, after: Option<(i64, u64)>, worst: i64) -> Option<(i64, u64)> {
        let from = after.map_or((i64::MIN, 0), |(rank, key)| (rank, key + 1));
        self.orders.range(from..).next().copied().filter(|(rank, _)| *rank <= worst)
    }
}

/// Data that is older than what is known changes nothing.
pub(super) const fn check_order_of_data(given: UtcNanos, last: UtcNanos) -> Result<(), ExchangeError> {
    if given.0 < last.0 {
        return Err(ExchangeError::TimeReversed { given: given.0, last: last.0 });
    }
    Ok(())
}
