//! The book of single orders: matching, queues and publication. Nothing here can fail; commands check first.

use super::l3::{Book, Level, Node};
use super::ladder::{Ladder, rank};
use super::order::{LevelChange, NewOrder, Outcome, Prevention, Report, RestingOrder, SelfTrade, Trade};
use super::slab::NIL;
use super::sorted::Spot;
use super::steps::{Lots, Ticks};
use crate::types::Side;

impl Node {
    /// As the outside sees it.
    pub(super) const fn resting(&self) -> RestingOrder {
        RestingOrder {
            key: self.key,
            owner: self.owner,
            side: self.side,
            price: Ticks(self.price),
            leaves: Lots(self.leaves),
            shown: Lots(self.shown),
            display: if self.display == i64::MAX { None } else { Some(Lots(self.display)) },
            post_only: self.post_only,
            self_trade: self.self_trade,
        }
    }
}

impl Book {
    #[inline(always)]
    pub(super) const fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    #[inline(always)]
    const fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Whether a fill-or-kill order would be filled, without touching anything. What stands behind an order of its
    /// owner is out of reach unless that order would be cancelled; of icebergs before it only the shown part is in
    /// reach, because a refill queues behind it. O(orders in reach).
    pub(super) fn can_fill(&self, order: &NewOrder, limit: i64) -> bool {
        let side = order.side.opposite();
        let mut need = order.quantity.0;
        for name in self.ladder(side).iter() {
            let level = self.levels.at(name);
            if rank(side, Ticks(level.price)) > limit {
                return false;
            }
            let (mut shown, mut total) = (0, 0);
            let mut slot = level.head;
            while slot != NIL {
                let node = self.nodes.at(slot);
                if node.owner != order.owner {
                    shown += node.shown;
                    total += node.leaves;
                } else if order.self_trade != SelfTrade::CancelOldest {
                    return shown >= need;
                }
                if shown >= need {
                    return true;
                }
                slot = node.next;
            }
            if total >= need {
                return true;
            }
            need -= total;
        }
        false
    }

    /// Match an incoming order against the other side up to the rank `limit`; its `leaves` become what is left.
    #[inline]
    pub(super) fn take(&mut self, taker: &mut Node, limit: i64, report: &mut Report) -> Outcome {
        let side = taker.side.opposite();
        let (mut executed, mut prevented) = (0, 0);
        while taker.leaves > 0 {
            let (best, name) = self.ladder(side).best();
            if name == NIL || best > limit {
                break;
            }
            let before = *self.levels.at(name);
            while taker.leaves > 0 {
                let slot = self.levels.at(name).head;
                if slot == NIL {
                    break;
                }
                let maker = *self.nodes.at(slot);
                if maker.owner == taker.owner {
                    prevented += self.prevent(taker, slot, &maker, report);
                    continue;
                }
                let quantity = taker.leaves.min(maker.shown);
                taker.leaves -= quantity;
                executed += quantity;
                self.last_trade += 1;
                report.trades.push(Trade {
                    trade_id: self.last_trade,
                    maker: maker.key,
                    taker: taker.key,
                    maker_owner: maker.owner,
                    taker_owner: taker.owner,
                    taker_side: taker.side,
                    price: Ticks(maker.price),
                    quantity: Lots(quantity),
                    maker_leaves: Lots(maker.leaves - quantity),
                });
                self.fill(slot, &maker, quantity);
            }
            let after = self.levels.at(name);
            if (after.shown, after.count) != (before.shown, before.count) {
                self.publish(name, side, report);
            }
        }
        Outcome { executed: Lots(executed), prevented: Lots(prevented), ..Outcome::default() }
    }

    /// Take `quantity` of a resting order's shown part: it goes, shrinks, or shows its next slice at the back.
    #[inline]
    fn fill(&mut self, slot: u32, maker: &Node, quantity: i64) {
        if quantity == maker.leaves {
            self.unlink(maker);
            self.forget(slot, maker.key);
        } else if quantity == maker.shown {
            self.unlink(maker);
            let node = self.nodes.at_mut(slot);
            node.leaves = maker.leaves - quantity;
            self.link(slot, (maker.level, Spot::default()));
        } else {
            let node = self.nodes.at_mut(slot);
            node.leaves -= quantity;
            node.shown -= quantity;
            let level = self.levels.at_mut(maker.level);
            level.shown -= quantity;
            level.total -= quantity;
        }
    }

    /// Two orders of one owner meet. Returns what the incoming one loses.
    #[cold]
    fn prevent(&mut self, taker: &mut Node, slot: u32, maker: &Node, report: &mut Report) -> i64 {
        let (from_taker, from_maker) = match taker.self_trade {
            SelfTrade::CancelNewest => (taker.leaves, 0),
            SelfTrade::CancelOldest => (0, maker.leaves),
            SelfTrade::CancelBoth => (taker.leaves, maker.leaves),
            SelfTrade::Decrement => (taker.leaves.min(maker.leaves), taker.leaves.min(maker.leaves)),
        };
        if from_maker == maker.leaves {
            self.unlink(maker);
            self.forget(slot, maker.key);
        } else if from_maker > 0 {
            self.reduce(slot, from_maker);
        }
        taker.leaves -= from_taker;
        let mut tell = |node: &Node, quantity: i64, leaves: i64| {
            if quantity > 0 {
                report.prevented.push(Prevention {
                    key: node.key,
                    owner: node.owner,
                    side: node.side,
                    quantity: Lots(quantity),
                    leaves: Lots(leaves),
                    after_trade: self.last_trade,
                });
            }
        };
        tell(maker, from_maker, maker.leaves - from_maker);
        tell(taker, from_taker, taker.leaves);
        from_taker
    }

    /// Shrink a resting order in its place, the hidden part first. `by` is less than it has.
    #[inline]
    pub(super) fn reduce(&mut self, slot: u32, by: i64) {
        let node = self.nodes.at_mut(slot);
        node.leaves -= by;
        let hidden_again = node.shown - node.shown.min(node.leaves);
        node.shown -= hidden_again;
        let level = self.levels.at_mut(node.level);
        level.total -= by;
        level.shown -= hidden_again;
    }

    /// Put an order at the back of its level, showing what it may; `place` is what the ladder found for its price.
    #[inline]
    pub(super) fn link(&mut self, slot: u32, (name, spot): (u32, Spot)) -> u32 {
        let node = *self.nodes.at(slot);
        let shown = node.leaves.min(node.display);
        let name = if name == NIL {
            let price = node.price;
            let name = self.levels.insert(Level { price, shown: 0, total: 0, head: NIL, tail: NIL, count: 0 });
            self.ladder_mut(node.side).insert(rank(node.side, Ticks(price)), name, spot);
            name
        } else {
            name
        };
        let level = self.levels.at_mut(name);
        let previous = level.tail;
        level.tail = slot;
        level.shown += shown;
        level.total += node.leaves;
        level.count += 1;
        if previous == NIL {
            level.head = slot;
        } else {
            self.nodes.at_mut(previous).next = slot;
        }
        let node = self.nodes.at_mut(slot);
        node.previous = previous;
        node.next = NIL;
        node.shown = shown;
        node.level = name;
        name
    }

    /// Take an order out of its queue; the level stays, even empty, until it is published.
    #[inline]
    pub(super) fn unlink(&mut self, node: &Node) {
        let level = self.levels.at_mut(node.level);
        level.shown -= node.shown;
        level.total -= node.leaves;
        level.count -= 1;
        if node.previous == NIL {
            level.head = node.next;
        }
        if node.next == NIL {
            level.tail = node.previous;
        }
        if node.previous != NIL {
            self.nodes.at_mut(node.previous).next = node.next;
        }
        if node.next != NIL {
            self.nodes.at_mut(node.next).previous = node.previous;
        }
    }

    /// Give an order's slot and key back.
    #[inline]
    pub(super) fn forget(&mut self, slot: u32, key: u64) {
        self.keys.remove(key, slot);
        self.nodes.release(slot);
    }

    /// Tell a level's new state; an empty one leaves the book.
    #[inline]
    pub(super) fn publish(&mut self, name: u32, side: Side, report: &mut Report) {
        let level = *self.levels.at(name);
        if level.count == 0 {
            self.ladder_mut(side).remove(rank(side, Ticks(level.price)));
            self.levels.release(name);
        }
        self.last_update += 1;
        report.changes.push(LevelChange {
            update_id: self.last_update,
            side,
            price: Ticks(level.price),
            quantity: Lots(level.shown),
            orders: level.count,
        });
    }
}
