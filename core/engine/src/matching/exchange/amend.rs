//! Taking orders back and changing them.

use super::Exchange;
use super::config::{AccountId, CancelFilter, ExchangeEvent, OrderChange};
use super::error::ExchangeError;
use super::listing::Liquidity;
use super::orders::Place;
use super::time::Sent;
use crate::book::{Lots, MAX_ICEBERG_SLICES, QueuePosition, Report, Ticks};
use crate::matching::Message;
use crate::orders::{OrderEventKind, OrderType};
use crate::types::{ClientOrderId, Price, Quantity, UtcNanos};

impl Exchange {
    /// Take an order back. With a delay it may trade before the cancel is here; a cancel that comes too late, or before
    /// its order, is a `reject_cancel` step.
    ///
    /// # Errors
    /// No such order, one that is over (also the second time), a time before the clock, a halted exchange.
    pub fn cancel(
        &mut self,
        account: AccountId,
        client_order_id: &ClientOrderId,
        now: UtcNanos,
        reason: &str,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let key = self.open_key(account, client_order_id, now, events)?;
        let arrival = self.config.latency.arrival(Message::Cancel, now);
        if arrival > now {
            self.inbox.push(arrival, Sent::Cancel(key, reason.to_owned()));
            return Ok(());
        }
        let done = self.arrive_cancel(key, reason, events).and_then(|()| self.cascade(events));
        self.halt(done)
    }

    /// Take orders of an account back, oldest first; how many were asked to go.
    ///
    /// # Errors
    /// An unknown account, a time before the clock, a halted exchange.
    pub fn cancel_all(
        &mut self,
        account: AccountId,
        filter: &CancelFilter,
        now: UtcNanos,
        reason: &str,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<usize, ExchangeError> {
        self.check_time(now)?;
        self.account(account.0)?;
        let passed = self.pass_time(now, events);
        self.halt(passed)?;
        let mut keys = self.account(account.0)?.open.clone();
        keys.sort_unstable();
        keys.retain(|key| {
            self.orders.get(*key).is_some_and(|order| {
                let request = &order.record.request;
                filter.symbol.is_none_or(|symbol| symbol == request.symbol)
                    && filter.side.is_none_or(|side| side == request.side)
                    && !(filter.keep_reducing && super::admission::reduces(request))
            })
        });
        for key in &keys {
            let arrival = self.config.latency.arrival(Message::Cancel, now);
            if arrival > now {
                self.inbox.push(arrival, Sent::Cancel(*key, reason.to_owned()));
            } else {
                let done = self.arrive_cancel(*key, reason, events);
                self.halt(done)?;
            }
        }
        let done = self.cascade(events);
        self.halt(done)?;
        Ok(keys.len())
    }

    /// Change an order by the rules of the book: a smaller quantity keeps its place, a larger one or another price does
    /// not, and another price may trade at once. With a delay, a refusal is a `reject_amend` step.
    ///
    /// # Errors
    /// No such order, one that is over, a change that it cannot take or the account cannot pay, a time before the clock,
    /// a halted exchange.
    pub fn amend(
        &mut self,
        account: AccountId,
        client_order_id: &ClientOrderId,
        change: &OrderChange,
        now: UtcNanos,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let key = self.open_key(account, client_order_id, now, events)?;
        let arrival = self.config.latency.arrival(Message::Cancel, now);
        if arrival > now {
            self.inbox.push(arrival, Sent::Change(key, *change));
            return Ok(());
        }
        let plan = self.check_change(key, change)?;
        let done = self.apply_change(key, &plan, events).and_then(|()| self.cascade(events));
        self.halt(done)
    }

    /// Let time pass, then find an order that is open.
    fn open_key(
        &mut self,
        account: AccountId,
        client_order_id: &ClientOrderId,
        now: UtcNanos,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<u64, ExchangeError> {
        self.check_time(now)?;
        self.account(account.0)?;
        let (number, id) = (account.0, *client_order_id);
        let unknown = ExchangeError::UnknownOrder { account: number, client_order_id: id };
        let known = self.orders.find(number, &id).is_some();
        let passed = self.pass_time(now, events);
        self.halt(passed)?;
        let order = self.orders.find(number, &id).filter(|_| known).ok_or(unknown)?;
        if order.place == Place::Closed {
            return Err(ExchangeError::OrderClosed { client_order_id: id, state: order.record.state.as_str() });
        }
        Ok(order.key)
    }

    /// A cancel arrives.
    pub(super) fn arrive_cancel(
        &mut self,
        key: u64,
        reason: &str,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        match self.orders.get(key).map(|order| (order.place, order.record.state.as_str())) {
            Some((Place::Closed, state)) => {
                self.tell_refusal(key, "reject_cancel", format!("it is {state} already"), events);
                Ok(())
            }
            Some((Place::InFlight, _)) => {
                self.tell_refusal(key, "reject_cancel", "the order has not arrived yet".to_owned(), events);
                Ok(())
            }
            Some(_) => self.cancel_now(key, reason, events),
            None => Ok(()),
        }
    }

    /// A change arrives.
    pub(super) fn arrive_change(
        &mut self,
        key: u64,
        change: &OrderChange,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        match self.check_change(key, change) {
            Ok(plan) => self.apply_change(key, &plan, events),
            Err(error) => {
                self.tell_refusal(key, "reject_amend", error.to_string(), events);
                Ok(())
            }
        }
    }

    /// Work a change out; money that it needs more is held back already. An error changes nothing.
    fn check_change(&mut self, key: u64, change: &OrderChange) -> Result<Plan, ExchangeError> {
        let order = self.by_key(key)?;
        let request = &order.record.request;
        let client_order_id = request.client_order_id;
        let bad = |problem| ExchangeError::BadAmend { client_order_id, problem };
        let listing = self.listing(order.listing)?;
        match order.place {
            Place::Closed => {
                return Err(ExchangeError::OrderClosed { client_order_id, state: order.record.state.as_str() });
            }
            Place::InFlight => return Err(bad("it has not arrived yet")),
            Place::Waiting => return Err(bad("it waits for its first market data; cancel it instead")),
            Place::Asleep | Place::Resting | Place::Matching => {}
        }
        if order.record.protective {
            return Err(bad("it follows the position; cancel it and send an order of your own"));
        }
        let mut plan = Plan { leaves: order.leaves, order_type: request.order_type, limit: order.limit };
        if let Some(quantity) = change.quantity {
            listing.instrument.check_quantity(quantity)?;
            let filled = order.record.state.filled();
            if quantity <= filled {
                return Err(bad("as much is filled already; cancel it instead"));
            }
            plan.leaves = listing.lots(Quantity::from_raw(quantity.raw() - filled.raw()))?;
            if order.shrinks && plan.leaves > order.leaves {
                return Err(bad("what may only reduce a position is not made larger; send another order"));
            }
        }
        if let Some(display) = request.display
            && (plan.leaves - 1) / listing.lots(display)?.max(1) >= MAX_ICEBERG_SLICES
        {
            return Err(bad("it would have too many slices; take a larger display quantity"));
        }
        for (what, price) in [("limit price", change.limit), ("trigger price", change.trigger)] {
            if let Some(price) = price {
                listing.check_price(what, price)?;
            }
        }
        if change.trigger.is_some() && order.place != Place::Asleep {
            return Err(bad("its trigger is behind it"));
        }
        plan.order_type = with_prices(request.order_type, change)
            .ok_or_else(|| bad("its type has no such price; cancel it and send another"))?;
        if order.place == Place::Asleep {
            return Ok(plan);
        }
        let price = match plan.order_type.triggered() {
            OrderType::Limit(limit) => limit,
            _ => return Err(bad("it has no limit price")),
        };
        let limit = Ticks::from_price(price, listing.instrument.tick_size)?;
        if request.post_only && Some(limit) != order.limit && listing.crosses(request.side, limit) {
            return Err(bad("post-only, and it would take at once"));
        }
        plan.limit = Some(limit);
        let smaller = Some(limit) == order.limit && plan.leaves <= order.leaves;
        if !smaller {
            self.change_reservation(key, price, plan.leaves)?;
        }
        Ok(plan)
    }

    fn apply_change(&mut self, key: u64, plan: &Plan, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let order = self.by_key_mut(key)?;
        let (asleep, side, number) = (order.place == Place::Asleep, order.record.request.side, order.listing);
        let smaller = plan.limit == order.limit && plan.leaves <= order.leaves;
        order.record.request.order_type = plan.order_type;
        if smaller || asleep {
            if !asleep {
                self.reduce_to(key, plan.leaves)?;
            }
            self.by_key_mut(key)?.leaves = plan.leaves;
            self.resize_record(key)?;
            if asleep {
                let order_type = plan.order_type;
                let listing = self.listing_mut(number)?;
                // A trailing order keeps its best price; only its quantity can change.
                if !matches!(order_type, OrderType::TrailingStop(_)) {
                    listing.triggers.insert(key, &order_type, side, Price::from_raw(1))?;
                }
            }
            return self.step(key, OrderEventKind::Amend, "", events);
        }
        let Some(limit) = plan.limit else { return Ok(()) };
        let trades_at_once = self.listing(number)?.crosses(side, limit);
        let is_book = matches!(self.listing(number)?.liquidity, Liquidity::Book(_));
        if is_book && !trades_at_once {
            self.amend_in_book(key, limit, plan.leaves)?;
        } else {
            self.withdraw(key)?;
        }
        let now = self.now;
        let order = self.by_key_mut(key)?;
        (order.leaves, order.limit) = (plan.leaves, plan.limit);
        if !is_book || trades_at_once {
            order.live_since = now;
        }
        self.resize_record(key)?;
        self.step(key, OrderEventKind::Amend, "", events)?;
        match (is_book, trades_at_once) {
            (true, false) => Ok(()),
            (true, true) => self.match_in_book(key, events),
            (false, _) => self.wait_for_data(key),
        }
    }

    fn amend_in_book(&mut self, key: u64, limit: Ticks, leaves: i64) -> Result<(), ExchangeError> {
        let number = self.by_key(key)?.listing;
        let mut report: Report = std::mem::take(&mut self.report);
        report.clear();
        let record = self.config.record_changes;
        let listing = self.listing_mut(number)?;
        if let Liquidity::Book(book) = &mut listing.liquidity {
            book.amend(key, limit, Lots(leaves), &mut report)?;
        }
        if record {
            listing.changes.extend_from_slice(&report.changes);
        }
        self.report = report;
        Ok(())
    }

    /// Make an order that waits smaller; it keeps its place. The caller says so in a step.
    pub(super) fn reduce_to(&mut self, key: u64, leaves: i64) -> Result<(), ExchangeError> {
        let order = self.by_key(key)?;
        if let (Place::Resting, Some(limit)) = (order.place, order.limit) {
            if let Some(queue) = order.queue {
                let queue = QueuePosition::new(self.config.queue_model, Lots(leaves), queue.front())?;
                self.by_key_mut(key)?.queue = Some(queue);
            } else if self.listing(order.listing)?.book().is_some() {
                self.amend_in_book(key, limit, leaves)?;
            }
        }
        self.by_key_mut(key)?.leaves = leaves;
        self.resize_record(key)?;
        self.fit_reservation(key)
    }

    /// Make a protective order larger; it loses its place. An error changes nothing.
    pub(super) fn enlarge(&mut self, key: u64, leaves: i64) -> Result<(), ExchangeError> {
        let order = self.by_key(key)?;
        let (place, limit) = (order.place, order.limit);
        if let (Place::Resting, Some(limit)) = (place, limit) {
            let price = self.listing(order.listing)?.price(limit)?;
            let is_book = self.listing(order.listing)?.book().is_some();
            let queue = order.queue;
            self.change_reservation(key, price, leaves)?;
            if is_book {
                self.amend_in_book(key, limit, leaves)?;
            } else if let Some(queue) = queue {
                let queue = QueuePosition::new(self.config.queue_model, Lots(leaves), queue.front())?;
                self.by_key_mut(key)?.queue = Some(queue);
            }
        }
        self.by_key_mut(key)?.leaves = leaves;
        self.resize_record(key)
    }

    /// Hold back what an order needs at another price or size. An error changes nothing but, where the old amount can no
    /// longer be held back either, that it is held no more until the order's next step.
    fn change_reservation(&mut self, key: u64, price: Price, leaves: i64) -> Result<(), ExchangeError> {
        let order = self.by_key(key)?;
        let listing = self.listing(order.listing)?;
        let (quantity, number) = (listing.quantity(leaves)?, order.account);
        let Some(need) = self.need_of(order, price, quantity)? else { return Ok(()) };
        let Some(old) = order.reservation else { return Ok(()) };
        let old_price = order.limit.map(|limit| listing.price(limit)).transpose()?.unwrap_or(price);
        let old_need = self.need_of(order, old_price, old.quantity)?.unwrap_or(need);
        let portfolio = &mut self.account_mut(number)?.portfolio;
        let mut released = old;
        portfolio.release(&mut released)?;
        let (made, refused) = match portfolio.reserve(&need) {
            Ok(made) => (Some(made), None),
            Err(error) => (portfolio.reserve(&old_need).ok(), Some(error)),
        };
        self.by_key_mut(key)?.reservation = made;
        refused.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Give back what an order that became smaller no longer needs.
    pub(super) fn fit_reservation(&mut self, key: u64) -> Result<(), ExchangeError> {
        let order = self.by_key(key)?;
        let number = order.account;
        let left = self.listing(order.listing)?.quantity(order.leaves)?;
        let Some(mut held) = order.reservation.filter(|held| held.quantity > left) else { return Ok(()) };
        let gone = Quantity::from_raw(held.quantity.raw() - left.raw());
        let (cash, has_units) = (held.cash.share(gone, held.quantity), held.units > Quantity::ZERO);
        let units = if has_units { gone } else { Quantity::ZERO };
        let mut part = crate::portfolio::Reservation { quantity: gone, cash, units, ..held };
        held.quantity = left;
        held.cash = held.cash.minus(cash)?;
        held.units = Quantity::from_raw(held.units.raw() - units.raw());
        self.account_mut(number)?.portfolio.release(&mut part)?;
        self.by_key_mut(key)?.reservation = Some(held);
        Ok(())
    }
}

/// What a change comes to.
struct Plan {
    leaves: i64,
    order_type: OrderType,
    limit: Option<Ticks>,
}

/// The type with other prices; none for a price it does not have.
const fn with_prices(order_type: OrderType, change: &OrderChange) -> Option<OrderType> {
    const fn or(new: Option<Price>, old: Price) -> Price {
        match new {
            Some(price) => price,
            None => old,
        }
    }
    let (limit, trigger) = (change.limit, change.trigger);
    Some(match order_type {
        OrderType::Limit(old) if trigger.is_none() => OrderType::Limit(or(limit, old)),
        OrderType::Stop(old) if limit.is_none() => OrderType::Stop(or(trigger, old)),
        OrderType::TakeProfit(old) if limit.is_none() => OrderType::TakeProfit(or(trigger, old)),
        OrderType::StopLimit { trigger: woke, limit: old } => {
            OrderType::StopLimit { trigger: or(trigger, woke), limit: or(limit, old) }
        }
        OrderType::TakeProfitLimit { trigger: woke, limit: old } => {
            OrderType::TakeProfitLimit { trigger: or(trigger, woke), limit: or(limit, old) }
        }
        OrderType::TrailingStop(offset) if limit.is_none() && trigger.is_none() => OrderType::TrailingStop(offset),
        _ => return None,
    })
}
