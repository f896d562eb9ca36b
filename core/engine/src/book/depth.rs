//! A replica of somebody's price levels (L2): a venue's stream, or the changes of our own [`Book`](super::Book).
//!
//! Updates are absolute: the new quantity at a price, zero deletes it. Update ids must rise; whether one is missing
//! depends on the venue's rule and is the reader's to check. A replica can be crossed, as venues' streams are for a
//! moment; [`Depth::is_crossed`] says so.
//!
//! Invariants: every level held has a positive quantity; an error changes nothing. Update, best and lookup are O(1)
//! near the market and O(log levels) far from it.

use thiserror::Error;

use super::ladder::{Ladder, rank};
use super::order::{DepthLevel, LevelChange};
use super::slab::{NIL, Slab};
use super::steps::{Lots, Ticks};
use crate::types::Side;

/// An update that a replica refuses, with its state untouched.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DepthError {
    /// An update id that is not above the last one.
    #[error("update id {update_id} is not above {last}, the last one applied; drop it or take a snapshot")]
    Stale {
        /// Id of the update.
        update_id: u64,
        /// Id of the last update applied.
        last: u64,
    },
    /// A quantity below zero.
    #[error("quantity {quantity} at {price} ticks must be 0 or more; the message is damaged, take a snapshot")]
    BadQuantity {
        /// Price of the level.
        price: i64,
        /// The quantity.
        quantity: i64,
    },
}

/// Price levels of both sides.
#[derive(Clone, Debug)]
pub struct Depth {
    levels: Slab<DepthLevel>,
    bids: Ladder,
    asks: Ladder,
    last_update: u64,
}

const NO_LEVEL: DepthLevel = DepthLevel { price: Ticks(0), quantity: Lots::ZERO, orders: 0 };

impl Default for Depth {
    fn default() -> Self {
        Self::new()
    }
}

fn check(levels: impl Iterator<Item = (Ticks, Lots)>) -> Result<(), DepthError> {
    for (price, quantity) in levels {
        if quantity < Lots::ZERO {
            return Err(DepthError::BadQuantity { price: price.0, quantity: quantity.0 });
        }
    }
    Ok(())
}

impl Depth {
    /// No levels, last update id zero.
    #[must_use]
    pub fn new() -> Self {
        Self { levels: Slab::new(256, NO_LEVEL), bids: Ladder::new(), asks: Ladder::new(), last_update: 0 }
    }

    /// Replace everything. The id may be lower than the last: a venue may start again.
    ///
    /// # Errors
    /// [`DepthError::BadQuantity`].
    pub fn snapshot(
        &mut self,
        update_id: u64,
        bids: &[(Ticks, Lots)],
        asks: &[(Ticks, Lots)],
    ) -> Result<(), DepthError> {
        check(bids.iter().chain(asks).copied())?;
        self.levels.clear();
        self.bids.clear();
        self.asks.clear();
        for (side, levels) in [(Side::Buy, bids), (Side::Sell, asks)] {
            for (price, quantity) in levels {
                self.set(side, *price, *quantity, 0);
            }
        }
        self.last_update = update_id;
        Ok(())
    }

    /// Apply one change; the quantity that stood there before.
    ///
    /// # Errors
    /// [`DepthError`].
    #[inline]
    pub fn apply(&mut self, change: &LevelChange) -> Result<Lots, DepthError> {
        self.check_id(change.update_id)?;
        check(std::iter::once((change.price, change.quantity)))?;
        self.last_update = change.update_id;
        Ok(self.set(change.side, change.price, change.quantity, change.orders))
    }

    /// Apply one message that changes several levels under one id, all or nothing.
    ///
    /// # Errors
    /// [`DepthError`].
    pub fn update(&mut self, update_id: u64, bids: &[(Ticks, Lots)], asks: &[(Ticks, Lots)]) -> Result<(), DepthError> {
        self.check_id(update_id)?;
        check(bids.iter().chain(asks).copied())?;
        for (side, levels) in [(Side::Buy, bids), (Side::Sell, asks)] {
            for (price, quantity) in levels {
                self.set(side, *price, *quantity, 0);
            }
        }
        self.last_update = update_id;
        Ok(())
    }

    /// Id of the last update or snapshot.
    #[must_use]
    pub const fn last_update(&self) -> u64 {
        self.last_update
    }

    /// Best bid.
    #[must_use]
    #[inline]
    pub fn best_bid(&self) -> Option<DepthLevel> {
        self.best(Side::Buy)
    }

    /// Best ask.
    #[must_use]
    #[inline]
    pub fn best_ask(&self) -> Option<DepthLevel> {
        self.best(Side::Sell)
    }

    /// Best level of a side.
    #[must_use]
    #[inline]
    pub fn best(&self, side: Side) -> Option<DepthLevel> {
        let (_, name) = self.ladder(side).best();
        (name != NIL).then(|| *self.levels.at(name))
    }

    /// Quantity at a price, zero when there is no level.
    #[must_use]
    #[inline]
    pub fn quantity(&self, side: Side, price: Ticks) -> Lots {
        self.levels.at(self.ladder(side).find(rank(side, price)).0).quantity
    }

    /// Levels of a side from the best.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = DepthLevel> + '_ {
        self.ladder(side).iter().map(|name| *self.levels.at(name))
    }

    /// The `count` best levels of a side.
    #[must_use]
    pub fn depth(&self, side: Side, count: usize) -> Vec<DepthLevel> {
        self.levels(side).take(count).collect()
    }

    /// Number of levels of a side.
    #[must_use]
    pub fn level_count(&self, side: Side) -> usize {
        self.ladder(side).len()
    }

    /// Whether the best bid is at or above the best ask.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        matches!((self.best_bid(), self.best_ask()), (Some(bid), Some(ask)) if bid.price >= ask.price)
    }

    /// What an order of `side` would take, level by level, without taking it. `fills` is emptied first; the result is
    /// the quantity found, at most the quantity asked. O(levels taken).
    pub fn walk(&self, side: Side, quantity: Lots, limit: Option<Ticks>, fills: &mut Vec<(Ticks, Lots)>) -> Lots {
        fills.clear();
        let other = side.opposite();
        let limit = limit.map_or(i64::MAX, |price| rank(other, price));
        let mut left = quantity.0.max(0);
        for level in self.levels(other) {
            if left == 0 || rank(other, level.price) > limit {
                break;
            }
            let taken = left.min(level.quantity.0);
            left -= taken;
            fills.push((level.price, Lots(taken)));
        }
        Lots(quantity.0.max(0) - left)
    }

    const fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn check_id(&self, update_id: u64) -> Result<(), DepthError> {
        if update_id <= self.last_update {
            return Err(DepthError::Stale { update_id, last: self.last_update });
        }
        Ok(())
    }

    #[inline]
    fn set(&mut self, side: Side, price: Ticks, quantity: Lots, orders: u32) -> Lots {
        let ladder = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        let rank = rank(side, price);
        let (name, spot) = ladder.find(rank);
        if name == NIL {
            if quantity > Lots::ZERO {
                ladder.insert(rank, self.levels.insert(DepthLevel { price, quantity, orders }), spot);
            }
            return Lots::ZERO;
        }
        let level = self.levels.at_mut(name);
        let before = level.quantity;
        (level.quantity, level.orders) = (quantity, orders);
        if quantity == Lots::ZERO {
            ladder.remove(rank);
            self.levels.release(name);
        }
        before
    }
}
