//! Time: what is on its way arrives, what is over expires, in one order.

use super::Exchange;
use super::config::{ExchangeEvent, OrderChange};
use super::error::ExchangeError;
use super::orders::{Order, Place};
use crate::matching::{Message, OrderRecord};
use crate::orders::{OrderEventKind, OrderRequest, OrderState, PositionSide, TimeInForce};
use crate::types::{Quantity, Side, UtcNanos};

/// A command on its way.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    /// A new order.
    Order(u64),
    /// A cancel and its reason.
    Cancel(u64, String),
    /// A change.
    Change(u64, OrderChange),
}

/// When an order of this life time, accepted now, is over.
pub(super) const fn expiry(time_in_force: TimeInForce, now: UtcNanos) -> Option<UtcNanos> {
    match time_in_force {
        TimeInForce::Gtd(until) => Some(until),
        TimeInForce::Day => {
            Some(UtcNanos(now.0.div_euclid(UtcNanos::DAY).saturating_add(1).saturating_mul(UtcNanos::DAY)))
        }
        TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => None,
    }
}

impl Exchange {
    /// The clock goes on: what is on its way arrives and what is over expires.
    ///
    /// # Errors
    /// A time before the clock, or a halted exchange.
    pub fn advance(&mut self, now: UtcNanos, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        self.check_time(now)?;
        let done = self.pass_time(now, events);
        self.halt(done)
    }

    /// When something will happen by itself: an arrival or an expiry. May name a moment at which nothing does.
    #[must_use]
    pub fn next_event(&self) -> Option<UtcNanos> {
        let expiry = self.expiries.peek().map(|entry| UtcNanos(entry.0.0));
        [expiry, self.inbox.next_arrival()].into_iter().flatten().min()
    }

    #[inline]
    pub(super) fn pass_time(&mut self, now: UtcNanos, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        while self.next_event().is_some_and(|next| next <= now) {
            self.next_moment(now, events)?;
        }
        self.now = self.now.max(now);
        Ok(())
    }

    fn next_moment(&mut self, now: UtcNanos, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let arrival = self.inbox.next_arrival().unwrap_or(UtcNanos(i64::MAX));
        // At its last instant an order is over already.
        if let Some(entry) = self.expiries.peek().copied()
            && entry.0.0 <= arrival.0.min(now.0)
        {
            self.expiries.pop();
            let (at, key) = entry.0;
            self.now = self.now.max(UtcNanos(at));
            return self.expire(key, events);
        }
        if let Some((arrival, sent)) = self.inbox.pop(now) {
            self.now = self.now.max(arrival);
            match sent {
                Sent::Order(key) => self.arrive(key, false, events)?,
                Sent::Cancel(key, reason) => self.arrive_cancel(key, &reason, events)?,
                Sent::Change(key, change) => self.arrive_change(key, &change, events)?,
            }
        }
        self.cascade(events)
    }

    fn expire(&mut self, key: u64, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let Some(order) = self.orders.get(key).filter(|order| order.place != Place::Closed) else { return Ok(()) };
        let reason = match (order.place, order.record.request.order_type.is_conditional()) {
            (Place::Waiting, _) if self.is_immediate(order) => {
                "no market data newer than the order came in time; look at the feed"
            }
            _ => "its time is over",
        };
        self.withdraw(key)?;
        self.step(key, OrderEventKind::Expire, reason, events)?;
        self.close_and_settle(key)
    }

    pub(super) fn schedule(&mut self, at: UtcNanos, key: u64) {
        // Entries of orders that closed early are swept when they are the most.
        if self.expiries.len() > 1024 && self.expiries.len() / 2 > self.orders.open_count() {
            let orders = &self.orders;
            self.expiries.retain(|entry| orders.get(entry.0.1).is_some_and(|order| order.place != Place::Closed));
        }
        self.expiries.push(std::cmp::Reverse((at.0, key)));
    }

    /// Send an order on its way, or let it arrive at once; `valid` as in [`Self::arrive`], at the instant of sending.
    pub(super) fn send(
        &mut self,
        account: u32,
        request: &OrderRequest,
        valid: bool,
        now: UtcNanos,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<OrderState, ExchangeError> {
        self.check_time(now)?;
        let listing = self.listing_number(&request.symbol)?;
        if let Some(order) = self.orders.find(account, &request.client_order_id) {
            return Ok(order.record.state);
        }
        self.orders.check_room()?;
        let done = self.pass_time(now, events).and_then(|()| {
            let key = self.enter(account, listing, request, false)?;
            let arrival = self.config.latency.arrival(Message::Order, now);
            if arrival > now {
                self.inbox.push(arrival, Sent::Order(key));
            } else {
                self.arrive(key, valid, events)?;
                self.cascade(events)?;
            }
            // Whatever closed with it, the last to close are remembered, and it is none that was forgotten before.
            Ok(self.orders.get(key).map_or(OrderState::Submitted, |order| order.record.state))
        });
        self.halt(done)
    }

    /// Give an order its key; it has not arrived yet.
    pub(super) fn enter(
        &mut self,
        account: u32,
        listing: u32,
        request: &OrderRequest,
        protective: bool,
    ) -> Result<u64, ExchangeError> {
        let (now, rank) = (self.now, self.orders.next_number());
        self.recent = listing;
        let book = self.accounts.get_mut(account as usize).ok_or_else(|| ExchangeError::unknown_account(account))?;
        let instrument = self.listings.get(listing as usize).map(|listing| listing.instrument);
        let closes_leg = matches!(
            (request.position_side, request.side),
            (PositionSide::Long, Side::Sell) | (PositionSide::Short, Side::Buy)
        );
        let spot = book.portfolio.terms().kind == crate::portfolio::AccountKind::Spot;
        let t_plus_one = instrument.is_some_and(|instrument| instrument.t_plus_one) && !spot;
        let shrinks = request.reduce_only || closes_leg || (t_plus_one && !request.side.is_buy());
        let open_at = u32::try_from(book.open.len()).unwrap_or(u32::MAX);
        let state = OrderState::Submitted;
        let record = OrderRecord { state, ..OrderRecord::new(*request, now, rank, protective) };
        let key = self.orders.insert((account, request.client_order_id), |key| Order {
            key,
            account,
            listing,
            place: Place::InFlight,
            shrinks,
            liquidates: false,
            record,
            limit: None,
            leaves: 0,
            reservation: None,
            queue: None,
            live_since: now,
            open_at,
        });
        book.open.push(key);
        if shrinks {
            book.shrinking.push(key);
        }
        Ok(key)
    }

    /// Whether what cannot be done with the first data is over.
    pub(super) fn is_immediate(&self, order: &Order) -> bool {
        let request = &order.record.request;
        request.order_type.triggered().limit().is_none() || !request.time_in_force.rests()
    }

    /// The order's quantity is what is filled and what is left.
    pub(super) fn resize_record(&mut self, key: u64) -> Result<(), ExchangeError> {
        let order = self.by_key(key)?;
        let (filled, leaves) = (order.record.state.filled().raw(), order.leaves);
        let left = self.listing(order.listing)?.quantity(leaves)?;
        self.by_key_mut(key)?.record.request.quantity = Quantity::from_raw(filled.saturating_add(left.raw()));
        Ok(())
    }
}
