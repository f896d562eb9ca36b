//! Matching order by order, where a trade can change what may trade next.
//!
//! While an OCO order or one that may only shrink a position rests on a side, whoever takes from that side meets one
//! order at a time: after each trade siblings are cancelled and reduce-only orders made smaller, before the next.

use super::Exchange;
use super::config::ExchangeEvent;
use super::error::ExchangeError;
use super::listing::{Liquidity, Queue};
use super::orders::Place;
use crate::book::{Lots, NewOrder, Outcome, RestingOrder, SelfTrade, TimeInForce as BookTime};
use crate::orders::OrderEventKind;
use crate::types::ClientOrderId;

impl Exchange {
    pub(super) fn match_order_by_order(
        &mut self,
        key: u64,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let new = self.new_order(key)?;
        let number = self.by_key(key)?.listing;
        if new.time_in_force == BookTime::FillOrKill && !self.can_fill(number, &new)? {
            let outcome = Outcome { expired: new.quantity, ..Outcome::default() };
            return self.end_of_match(key, &outcome, events);
        }
        loop {
            // The order may have become smaller, or be over, by what its own trades caused.
            let Some(order) = self.orders.get(key).filter(|order| order.place != Place::Closed) else { return Ok(()) };
            let leaves = order.leaves;
            let maker = self.next_maker(number, &new)?.filter(|_| leaves > 0);
            let Some(maker) = maker else { break };
            let before = self.by_key(key)?.leaves;
            if maker.owner == new.owner {
                if self.meet_own(key, &maker, events)? {
                    return Ok(());
                }
            } else {
                let quantity = Lots(leaves.min(maker.shown.0));
                let slice = NewOrder {
                    quantity,
                    time_in_force: BookTime::ImmediateOrCancel,
                    display: None,
                    post_only: false,
                    ..new
                };
                self.submit_to_book(number, &slice, events)?;
            }
            self.cascade_urgent(events)?;
            let stuck = self.orders.get(key).is_some_and(|order| order.leaves == before) && maker.owner != new.owner;
            if stuck {
                break;
            }
        }
        let leaves = self.by_key(key)?.leaves;
        let mut outcome = Outcome::default();
        if leaves > 0 && new.time_in_force == BookTime::Rest {
            let rest = NewOrder { quantity: Lots(leaves), ..new };
            outcome = self.submit_to_book(number, &rest, events)?;
        }
        self.end_of_match(key, &outcome, events)
    }

    /// The first order that this one would meet.
    fn next_maker(&self, number: u32, new: &NewOrder) -> Result<Option<RestingOrder>, ExchangeError> {
        let Liquidity::Book(book) = &self.listing(number)?.liquidity else { return Ok(None) };
        let best = book.best(new.side.opposite()).filter(|best| in_reach(new, best.price));
        Ok(best.and_then(|best| book.level(best.price).next()))
    }

    /// Two orders of one account meet; whether the incoming one is over.
    fn meet_own(
        &mut self,
        key: u64,
        maker: &RestingOrder,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<bool, ExchangeError> {
        let leaves = self.by_key(key)?.leaves;
        let both = leaves.min(maker.leaves.0);
        let (from_taker, from_maker) = match self.config.self_trade {
            SelfTrade::CancelNewest => (leaves, 0),
            SelfTrade::CancelOldest => (0, maker.leaves.0),
            SelfTrade::CancelBoth => (leaves, maker.leaves.0),
            SelfTrade::Decrement => (both, both),
        };
        if from_maker == maker.leaves.0 {
            self.cancel_now(maker.key, "it met an order of its own account", events)?;
        } else if from_maker > 0 {
            self.reduce_to(maker.key, maker.leaves.0 - from_maker)?;
            let reason = "made smaller: it met an order of its own account";
            self.step(maker.key, OrderEventKind::Amend, reason, events)?;
        }
        if from_taker > 0 {
            self.by_key_mut(key)?.leaves -= from_taker;
            self.told_prevented(key, events)?;
        }
        Ok(from_taker == leaves)
    }

    /// Whether a fill-or-kill order would be filled: of an OCO group only the first order counts, and what may only
    /// shrink a position counts no more than that together with everything its account has before it.
    fn can_fill(&self, number: u32, new: &NewOrder) -> Result<bool, ExchangeError> {
        let listing = self.listing(number)?;
        let Liquidity::Book(book) = &listing.liquidity else { return Ok(false) };
        let mut groups: Vec<(u32, ClientOrderId)> = Vec::new();
        let mut sold: Vec<(u32, u32, i64)> = Vec::new();
        let mut need = new.quantity.0;
        for level in book.levels(new.side.opposite()).take_while(|level| in_reach(new, level.price)) {
            for maker in book.level(level.price) {
                if maker.owner == new.owner {
                    if new.self_trade != SelfTrade::CancelOldest {
                        return Ok(need <= 0);
                    }
                    continue;
                }
                let order = self.by_key(maker.key)?;
                let request = &order.record.request;
                let group = (maker.owner, request.oco_group);
                if !request.oco_group.is_empty() {
                    if groups.contains(&group) {
                        continue;
                    }
                    groups.push(group);
                }
                let leg = request.position_side as u32;
                let before: i64 = sold
                    .iter()
                    .filter(|(owner, of, _)| (*owner, *of) == (maker.owner, leg))
                    .map(|(.., lots)| lots)
                    .sum();
                let mut lots = maker.leaves.0;
                if order.shrinks {
                    let account = self.account(maker.owner)?;
                    let index = account.index(number)?;
                    let leg = request.position_side;
                    let reduces = super::admission::reduces(request);
                    if let Some(most) = account.closable(index, leg, maker.side, reduces) {
                        lots = lots.min(most / listing.lot.raw().max(1) - before).max(0);
                    }
                }
                sold.push((maker.owner, leg, lots));
                need -= lots;
                if need <= 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

const fn in_reach(new: &NewOrder, price: crate::book::Ticks) -> bool {
    match new.price {
        Some(limit) => Queue::rank(new.side.opposite(), price) <= Queue::rank(new.side.opposite(), limit),
        None => true,
    }
}
