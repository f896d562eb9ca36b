//! The book of single orders: commands.
//!
//! Every command checks all it needs before it changes anything, so an error leaves the book as it was.

use super::error::BookError;
use super::keys::Keys;
use super::ladder::{Ladder, rank};
use super::order::{NewOrder, Outcome, Report, RestingOrder, SelfTrade, TimeInForce};
use super::slab::{NIL, Slab};
use super::sorted::Spot;
use super::steps::{Lots, Ticks};
use crate::types::Side;

/// Slices that one iceberg may make: one incoming order must not cause millions of trades with a single order.
pub const MAX_ICEBERG_SLICES: i64 = 1_000;

/// An order in the arena: one cache line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) key: u64,
    pub(super) price: i64,
    pub(super) leaves: i64,
    pub(super) shown: i64,
    /// Largest part to show; `i64::MAX` shows everything, so that plain orders need no case of their own.
    pub(super) display: i64,
    pub(super) owner: u32,
    pub(super) level: u32,
    pub(super) next: u32,
    pub(super) previous: u32,
    pub(super) side: Side,
    pub(super) self_trade: SelfTrade,
    pub(super) post_only: bool,
}

const NO_NODE: Node = Node {
    key: 0,
    price: 0,
    leaves: 0,
    shown: 0,
    display: i64::MAX,
    owner: 0,
    level: NIL,
    next: NIL,
    previous: NIL,
    side: Side::Buy,
    self_trade: SelfTrade::CancelNewest,
    post_only: false,
};

/// A price level: a queue of orders and its sums.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) price: i64,
    pub(super) shown: i64,
    /// Shown and hidden. Checked at every entry, so `shown` and partial sums of the queue cannot overflow.
    pub(super) total: i64,
    pub(super) head: u32,
    pub(super) tail: u32,
    pub(super) count: u32,
}

const NO_LEVEL: Level = Level { price: 0, shown: 0, total: 0, head: NIL, tail: NIL, count: 0 };

/// A price-time priority order book of one instrument; see the module for its rules.
#[derive(Clone, Debug)]
pub struct Book {
    pub(super) nodes: Slab<Node>,
    pub(super) levels: Slab<Level>,
    pub(super) keys: Keys,
    pub(super) bids: Ladder,
    pub(super) asks: Ladder,
    pub(super) last_trade: u64,
    pub(super) last_update: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self::new(1024)
    }
}

impl Book {
    /// An empty book with memory for `expected_orders`; more are taken, at the price of growing.
    #[must_use]
    pub fn new(expected_orders: usize) -> Self {
        Self {
            nodes: Slab::new(expected_orders, NO_NODE),
            levels: Slab::new(expected_orders.min(4096), NO_LEVEL),
            keys: Keys::new(expected_orders),
            bids: Ladder::new(),
            asks: Ladder::new(),
            last_trade: 0,
            last_update: 0,
        }
    }

    /// Match an order and let the rest do what its time in force says.
    ///
    /// # Errors
    /// [`BookError`]; the book is unchanged. A fill-or-kill order that cannot be filled is no error: it is all
    /// `expired`.
    #[inline]
    pub fn submit(&mut self, order: &NewOrder, report: &mut Report) -> Result<Outcome, BookError> {
        let place = self.check(order)?;
        let limit = order.price.map_or(i64::MAX, |price| rank(order.side.opposite(), price));
        let quantity = order.quantity.0;
        if order.time_in_force == TimeInForce::FillOrKill && !self.can_fill(order, limit) {
            return Ok(Outcome { expired: order.quantity, ..Outcome::default() });
        }
        let mut node = Node {
            key: order.key,
            price: order.price.map_or(0, |price| price.0),
            leaves: quantity,
            shown: 0,
            display: order.display.map_or(i64::MAX, |display| display.0),
            owner: order.owner,
            level: NIL,
            next: NIL,
            previous: NIL,
            side: order.side,
            self_trade: order.self_trade,
            post_only: order.post_only,
        };
        let mut outcome = self.take(&mut node, limit, report);
        if node.leaves > 0 {
            if order.time_in_force == TimeInForce::Rest && order.price.is_some() {
                outcome.resting = Lots(node.leaves);
                let slot = self.nodes.insert(node);
                self.keys.insert(node.key, slot);
                let level = self.link(slot, place);
                self.publish(level, node.side, report);
            } else {
                outcome.expired = Lots(node.leaves);
            }
        }
        Ok(outcome)
    }

    /// Take an order out; what it still had is in the result.
    ///
    /// # Errors
    /// [`BookError::UnknownKey`], also the second time.
    #[inline]
    pub fn cancel(&mut self, key: u64, report: &mut Report) -> Result<RestingOrder, BookError> {
        let slot = self.slot(key)?;
        let node = *self.nodes.at(slot);
        self.unlink(&node);
        self.forget(slot, key);
        self.publish(node.level, node.side, report);
        Ok(node.resting())
    }

    /// Change price and remaining quantity. A mere decrease keeps the place in the queue (an iceberg loses hidden
    /// quantity first); an increase or another price loses it, and another price may trade at once.
    ///
    /// # Errors
    /// [`BookError`]; the order stays as it was.
    #[inline]
    pub fn amend(&mut self, key: u64, price: Ticks, quantity: Lots, report: &mut Report) -> Result<Outcome, BookError> {
        let slot = self.slot(key)?;
        let old = *self.nodes.at(slot);
        check_quantity(key, quantity.0)?;
        let same_price = price.0 == old.price;
        if same_price && quantity.0 <= old.leaves {
            if quantity.0 < old.leaves {
                self.reduce(slot, old.leaves - quantity.0);
                self.publish(old.level, old.side, report);
            }
            return Ok(Outcome { resting: quantity, ..Outcome::default() });
        }
        if old.display != i64::MAX {
            check_slices(key, quantity.0, old.display)?;
        }
        let place = self.ladder(old.side).find(rank(old.side, price));
        let staying = self.levels.at(place.0).total - if same_price { old.leaves } else { 0 };
        if staying.checked_add(quantity.0).is_none() {
            return Err(BookError::LevelOverflow { key, price: price.0, quantity: quantity.0 });
        }
        let limit = rank(old.side.opposite(), price);
        if old.post_only {
            self.check_passive(key, old.side, price, limit)?;
        }
        self.unlink(&old);
        if !same_price {
            // A level that only waits for its order to come back is not published as gone.
            self.publish(old.level, old.side, report);
        }
        let mut node = Node { price: price.0, leaves: quantity.0, next: NIL, previous: NIL, ..old };
        let mut outcome = self.take(&mut node, limit, report);
        if node.leaves > 0 {
            outcome.resting = Lots(node.leaves);
            *self.nodes.at_mut(slot) = node;
            let level = self.link(slot, place);
            self.publish(level, node.side, report);
        } else {
            self.forget(slot, key);
        }
        Ok(outcome)
    }

    /// Everything that can be wrong with an order; the level it would rest in, or [`NIL`] with a hint.
    #[inline]
    fn check(&self, order: &NewOrder) -> Result<(u32, Spot), BookError> {
        let key = order.key;
        check_quantity(key, order.quantity.0)?;
        let rests = order.time_in_force == TimeInForce::Rest && order.price.is_some();
        if let Some(display) = order.display {
            if !rests {
                return Err(BookError::Contradiction { key, problem: "only a resting limit order can be an iceberg" });
            }
            check_slices(key, order.quantity.0, display.0)?;
        }
        if order.post_only && !rests {
            return Err(BookError::Contradiction { key, problem: "only a resting limit order can be post-only" });
        }
        if self.slot(key).is_ok() {
            return Err(BookError::DuplicateKey { key });
        }
        let Some(price) = order.price.filter(|_| rests) else { return Ok((NIL, Spot::default())) };
        if !self.nodes.has_room(1) {
            return Err(BookError::Full { key, bound: NIL - 1 });
        }
        let (level, spot) = self.ladder(order.side).find(rank(order.side, price));
        if level != NIL && self.levels.at(level).total.checked_add(order.quantity.0).is_none() {
            return Err(BookError::LevelOverflow { key, price: price.0, quantity: order.quantity.0 });
        }
        if order.post_only {
            self.check_passive(key, order.side, price, rank(order.side.opposite(), price))?;
        }
        Ok((level, spot))
    }

    fn check_passive(&self, key: u64, side: Side, price: Ticks, limit: i64) -> Result<(), BookError> {
        let (best, level) = self.ladder(side.opposite()).best();
        if level != NIL && best <= limit {
            return Err(BookError::WouldTake { key, price: price.0, best: self.levels.at(level).price });
        }
        Ok(())
    }
}

fn check_quantity(key: u64, quantity: i64) -> Result<(), BookError> {
    if quantity < 1 {
        return Err(BookError::BadQuantity { key, quantity });
    }
    Ok(())
}

fn check_slices(key: u64, quantity: i64, display: i64) -> Result<(), BookError> {
    if display < 1 || (quantity - 1) / display >= MAX_ICEBERG_SLICES {
        return Err(BookError::BadDisplay { key, display, quantity, bound: MAX_ICEBERG_SLICES });
    }
    Ok(())
}
