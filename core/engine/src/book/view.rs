//! The book of single orders: looking at it, and its snapshot.

use super::error::BookError;
use super::l3::{Book, Node};
use super::ladder::rank;
use super::order::{DepthLevel, NewOrder, Report, RestingOrder, TimeInForce};
use super::slab::NIL;
use super::steps::{Lots, Ticks};
use crate::types::Side;

/// All of a book's state: a book restored from it behaves as the one it was taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookSnapshot {
    /// Resting orders as [`Book::orders`] gives them: bids, then asks, best first, in queue order.
    pub orders: Vec<RestingOrder>,
    /// Id of the last trade, zero for none.
    pub last_trade: u64,
    /// Id of the last level change, zero for none.
    pub last_update: u64,
}

impl Book {
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
        (name != NIL).then(|| self.shown_level(name))
    }

    /// Shown levels of a side from the best.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = DepthLevel> + '_ {
        self.ladder(side).iter().map(|name| self.shown_level(name))
    }

    /// The `count` best shown levels of a side.
    #[must_use]
    pub fn depth(&self, side: Side, count: usize) -> Vec<DepthLevel> {
        self.levels(side).take(count).collect()
    }

    /// Orders at a price, first in the queue first.
    pub fn level(&self, price: Ticks) -> impl Iterator<Item = RestingOrder> + '_ {
        let bid = self.bids.find(rank(Side::Buy, price)).0;
        let name = if bid == NIL { self.asks.find(rank(Side::Sell, price)).0 } else { bid };
        self.queue(name).map(Node::resting)
    }

    /// A resting order.
    #[must_use]
    pub fn order(&self, key: u64) -> Option<RestingOrder> {
        self.slot(key).ok().map(|slot| self.nodes.at(slot).resting())
    }

    /// All resting orders: bids, then asks, best first, in queue order.
    pub fn orders(&self) -> impl Iterator<Item = RestingOrder> + '_ {
        let names = self.bids.iter().chain(self.asks.iter());
        names.flat_map(|name| self.queue(name)).map(Node::resting)
    }

    /// Number of resting orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing rests.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of price levels of a side.
    #[must_use]
    pub fn level_count(&self, side: Side) -> usize {
        self.ladder(side).len()
    }

    /// Shown quantity that is matched before an order at its price. O(orders before it).
    ///
    /// # Errors
    /// [`BookError::UnknownKey`].
    pub fn ahead_of(&self, key: u64) -> Result<Lots, BookError> {
        let mut slot = self.nodes.at(self.slot(key)?).previous;
        let mut ahead = 0;
        while slot != NIL {
            let node = self.nodes.at(slot);
            ahead += node.shown;
            slot = node.previous;
        }
        Ok(Lots(ahead))
    }

    /// Quantity, hidden parts included, that an order of `side` with this limit (none: any price) could take,
    /// whoever owns it; `i64::MAX` when there is more. O(levels in reach).
    #[must_use]
    pub fn available(&self, side: Side, limit: Option<Ticks>) -> Lots {
        let other = side.opposite();
        let limit = limit.map_or(i64::MAX, |price| rank(other, price));
        let in_reach = self
            .ladder(other)
            .iter()
            .map(|name| self.levels.at(name))
            .take_while(|level| rank(other, Ticks(level.price)) <= limit);
        Lots(in_reach.fold(0, |sum: i64, level| sum.saturating_add(level.total)))
    }

    /// Id of the last trade, zero for none.
    #[must_use]
    pub const fn last_trade(&self) -> u64 {
        self.last_trade
    }

    /// Id of the last level change, zero for none.
    #[must_use]
    pub const fn last_update(&self) -> u64 {
        self.last_update
    }

    /// The book's state.
    #[must_use]
    pub fn snapshot(&self) -> BookSnapshot {
        BookSnapshot { orders: self.orders().collect(), last_trade: self.last_trade, last_update: self.last_update }
    }

    /// The book that a snapshot was taken of.
    ///
    /// # Errors
    /// [`BookError`] for a state that no book can be in.
    pub fn restore(snapshot: &BookSnapshot) -> Result<Self, BookError> {
        for (what, last) in [("trade id", snapshot.last_trade), ("update id", snapshot.last_update)] {
            // Half the range is left, which no book uses up.
            if last > u64::MAX / 2 {
                return Err(BookError::BadId { what, last });
            }
        }
        let mut book = Self::new(snapshot.orders.len());
        let mut report = Report::default();
        for order in &snapshot.orders {
            let key = order.key;
            let most = order.display.map_or(order.leaves, |display| display.min(order.leaves));
            if order.shown.0 < 1 || order.shown > most || (order.display.is_none() && order.shown != most) {
                return Err(BookError::Contradiction { key, problem: "a snapshot's order shows what it cannot" });
            }
            // Post-only makes a crossed snapshot an error.
            let new = NewOrder {
                key,
                owner: order.owner,
                side: order.side,
                price: Some(order.price),
                quantity: order.leaves,
                display: order.display,
                time_in_force: TimeInForce::Rest,
                post_only: true,
                self_trade: order.self_trade,
            };
            book.submit(&new, &mut report)?;
            report.clear();
            let slot = book.slot(key)?;
            let node = book.nodes.at_mut(slot);
            let hidden = node.shown - order.shown.0;
            node.shown = order.shown.0;
            node.post_only = order.post_only;
            let level = book.levels.at_mut(node.level);
            level.shown -= hidden;
        }
        (book.last_trade, book.last_update) = (snapshot.last_trade, snapshot.last_update);
        Ok(book)
    }

    /// A digest of all state that a later command can see: equal states have equal hashes in every process.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut hash = Digest::new();
        hash.add(self.last_trade);
        hash.add(self.last_update);
        for order in self.orders() {
            hash.add(order.key);
            hash.add(u64::from(order.owner) << 8 | u64::from(order.side.is_buy()) << 7 | u64::from(order.post_only));
            hash.add(order.self_trade as u64);
            for amount in [order.price.0, order.leaves.0, order.shown.0, order.display.map_or(0, |lots| lots.0)] {
                hash.add(amount.cast_unsigned());
            }
        }
        hash.0
    }

    #[inline(always)]
    pub(super) fn slot(&self, key: u64) -> Result<u32, BookError> {
        match self.keys.find(key, |slot| self.nodes.at(slot).key) {
            NIL => Err(BookError::UnknownKey { key }),
            slot => Ok(slot),
        }
    }

    fn shown_level(&self, name: u32) -> DepthLevel {
        let level = self.levels.at(name);
        DepthLevel { price: Ticks(level.price), quantity: Lots(level.shown), orders: level.count }
    }

    fn queue(&self, name: u32) -> impl Iterator<Item = &Node> + '_ {
        let mut slot = self.levels.at(name).head;
        std::iter::from_fn(move || {
            if slot == NIL {
                return None;
            }
            let node = self.nodes.at(slot);
            slot = node.next;
            Some(node)
        })
    }
}

/// FNV-1a over 64-bit words with a final mix, so that it is the same on every machine and in every version of Rust.
struct Digest(u64);

impl Digest {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    const fn add(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x0100_0000_01b3);
        self.0 = mixed ^ (mixed >> 32);
    }
}
