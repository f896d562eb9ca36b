//! A replica of somebody's market and our orders in it.

use std::collections::BTreeMap;

use super::listing::Queue;
use crate::book::{Depth, Lots, Ticks};
use crate::types::{Side, StateHasher, UtcNanos};

/// What is known of a market, what our orders have taken of it, and where they wait.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub depth: Depth,
    /// Taken by our orders since the market last showed the level: buy side (asks taken) and sell side.
    taken: [BTreeMap<i64, i64>; 2],
    /// Resting orders, bids and asks.
    pub queues: [Queue; 2],
    /// Orders that wait for data newer than themselves, in the order they came; closed ones are skipped.
    pub waiting: Vec<u64>,
    /// Time of the last levels, and of the last event of any kind.
    pub levels_at: UtcNanos,
    pub last_event: UtcNanos,
    /// Whether only the best prices are known.
    pub top_only: bool,
    pub updates: u64,
}

const fn slot(side: Side) -> usize {
    super::listing::side_slot(side)
}

impl Replica {
    pub(super) fn new() -> Self {
        Self {
            depth: Depth::new(),
            taken: [BTreeMap::new(), BTreeMap::new()],
            queues: [Queue::default(), Queue::default()],
            waiting: Vec::new(),
            levels_at: UtcNanos(i64::MIN),
            last_event: UtcNanos(i64::MIN),
            top_only: false,
            updates: 0,
        }
    }

    /// Our resting orders of a side.
    pub(super) fn queue(&self, side: Side) -> &Queue {
        let [bids, asks] = &self.queues;
        if side.is_buy() { bids } else { asks }
    }

    const fn queue_mut(&mut self, side: Side) -> &mut Queue {
        let [bids, asks] = &mut self.queues;
        if side.is_buy() { bids } else { asks }
    }

    const fn taken_mut(&mut self, side: Side) -> &mut BTreeMap<i64, i64> {
        let [bids, asks] = &mut self.taken;
        if side.is_buy() { bids } else { asks }
    }

    /// The market shows a level of `side` anew: what we took of it is in what it shows.
    pub(super) fn shown_anew(&mut self, side: Side, price: Ticks) {
        self.taken_mut(side).remove(&price.0);
    }

    /// The market shows everything anew.
    pub(super) fn all_shown_anew(&mut self) {
        self.taken = [BTreeMap::new(), BTreeMap::new()];
    }

    /// Take from the levels that an order of `side` meets, best first, within its limit: what is shown less what was
    /// taken before. Appends price and quantity.
    pub(super) fn take(&mut self, side: Side, quantity: i64, limit: Ticks, fills: &mut Vec<(Ticks, Lots)>) {
        let other = side.opposite();
        let worst = Queue::rank(other, limit);
        let mut left = quantity;
        let start = fills.len();
        let [bids, asks] = &self.taken;
        let taken = if other.is_buy() { bids } else { asks };
        for level in self.depth.levels(other) {
            if left == 0 || Queue::rank(other, level.price) > worst {
                break;
            }
            let free = level.quantity.0 - taken.get(&level.price.0).copied().unwrap_or(0);
            let part = left.min(free);
            if part > 0 {
                left -= part;
                fills.push((level.price, Lots(part)));
            }
        }
        for (price, part) in fills.iter().skip(start) {
            let [bids, asks] = &mut self.taken;
            let taken = if other.is_buy() { bids } else { asks };
            *taken.entry(price.0).or_insert(0) += part.0;
        }
    }

    /// What an order could take, without taking it.
    pub(super) fn available(&self, side: Side, limit: Ticks) -> i64 {
        let other = side.opposite();
        let worst = Queue::rank(other, limit);
        let [bids, asks] = &self.taken;
        let taken = if other.is_buy() { bids } else { asks };
        let levels = self.depth.levels(other).take_while(|level| Queue::rank(other, level.price) <= worst);
        levels.fold(0_i64, |sum, level| {
            sum.saturating_add((level.quantity.0 - taken.get(&level.price.0).copied().unwrap_or(0)).max(0))
        })
    }

    pub(super) fn enter(&mut self, side: Side, price: Ticks, key: u64) {
        self.queue_mut(side).orders.insert((Queue::rank(side, price), key));
    }

    pub(super) fn leave(&mut self, side: Side, price: Option<Ticks>, key: u64) {
        if let Some(price) = price {
            self.queue_mut(side).orders.remove(&(Queue::rank(side, price), key));
        }
    }

    pub(super) fn hash(&self, hash: &mut StateHasher) {
        hash.int(self.levels_at.0);
        hash.int(self.last_event.0);
        for side in [Side::Buy, Side::Sell] {
            for level in self.depth.levels(side) {
                hash.int(level.price.0);
                hash.int(level.quantity.0);
            }
            if let Some(taken) = self.taken.get(slot(side)) {
                for (price, quantity) in taken {
                    hash.int(*price);
                    hash.int(*quantity);
                }
            }
        }
    }
}
