//! Looking things up, an order's steps, and the digest of the whole state.

use super::config::{AccountId, ExchangeEvent, LiquidityKind};
use super::error::ExchangeError;
use super::listing::{Liquidity, Listing};
use super::orders::{Order, Place};
use super::{Account, Exchange};
use crate::book::{Book, Depth};
use crate::matching::{OrderStep, VenueEvent};
use crate::orders::{OrderEventKind, OrderState, transition};
use crate::types::{Money, StateHasher, Symbol, UtcNanos};

impl Listing {
    pub(super) const fn kind(&self) -> LiquidityKind {
        match self.liquidity {
            Liquidity::Book(_) => LiquidityKind::Book,
            Liquidity::Depth(_) => LiquidityKind::Depth,
        }
    }

    pub(super) fn book(&self) -> Option<&Book> {
        match &self.liquidity {
            Liquidity::Book(book) => Some(book),
            Liquidity::Depth(_) => None,
        }
    }

    pub(super) fn depth(&self) -> Option<&Depth> {
        match &self.liquidity {
            Liquidity::Book(_) => None,
            Liquidity::Depth(replica) => Some(&replica.depth),
        }
    }
}

impl Exchange {
    pub(super) fn check_running(&self) -> Result<(), ExchangeError> {
        self.halted.as_ref().map_or(Ok(()), |reason| Err(ExchangeError::Halted { reason: reason.clone() }))
    }

    pub(super) fn check_time(&self, now: UtcNanos) -> Result<(), ExchangeError> {
        self.check_running()?;
        super::listing::check_order_of_data(now, self.now)
    }

    /// What cannot be undone has gone wrong: stop.
    pub(super) fn halt<T>(&mut self, done: Result<T, ExchangeError>) -> Result<T, ExchangeError> {
        done.map_err(|error| {
            let reason = error.to_string();
            self.halted = Some(reason.clone());
            ExchangeError::Halted { reason }
        })
    }

    pub(super) fn account(&self, number: u32) -> Result<&Account, ExchangeError> {
        self.accounts.get(number as usize).ok_or_else(|| ExchangeError::unknown_account(number))
    }

    pub(super) fn account_mut(&mut self, number: u32) -> Result<&mut Account, ExchangeError> {
        self.accounts.get_mut(number as usize).ok_or_else(|| ExchangeError::unknown_account(number))
    }

    pub(super) fn check_account(&self, number: u32, counterparty: bool) -> Result<(), ExchangeError> {
        let known = self.account(number)?.counterparty == counterparty;
        if known { Ok(()) } else { Err(ExchangeError::UnknownAccount(number)) }
    }

    pub(super) fn listing_number(&self, symbol: &Symbol) -> Result<u32, ExchangeError> {
        // The instrument of the last order is mostly that of the next.
        if self.listings.get(self.recent as usize).is_some_and(|listing| listing.instrument.symbol == *symbol) {
            return Ok(self.recent);
        }
        let unknown = || ExchangeError::UnknownSymbol { symbol: *symbol, listed: self.listings.len() };
        self.by_symbol.get(symbol).copied().ok_or_else(unknown)
    }

    pub(super) fn listing_of(&self, symbol: &Symbol) -> Result<&Listing, ExchangeError> {
        self.listing(self.listing_number(symbol)?)
    }

    pub(super) fn listing(&self, number: u32) -> Result<&Listing, ExchangeError> {
        self.listings.get(number as usize).ok_or_else(|| ExchangeError::unknown_listing(self.listings.len()))
    }

    pub(super) fn listing_mut(&mut self, number: u32) -> Result<&mut Listing, ExchangeError> {
        let listed = self.listings.len();
        self.listings.get_mut(number as usize).ok_or_else(|| ExchangeError::unknown_listing(listed))
    }

    /// An order that is known by its key; a key comes from the exchange itself, so it is always there.
    pub(super) fn by_key(&self, key: u64) -> Result<&Order, ExchangeError> {
        self.orders.get(key).ok_or_else(lost)
    }

    pub(super) fn by_key_mut(&mut self, key: u64) -> Result<&mut Order, ExchangeError> {
        self.orders.get_mut(key).ok_or_else(lost)
    }

    /// One step in an order's life.
    pub(super) fn step(
        &mut self,
        key: u64,
        kind: OrderEventKind,
        reason: &str,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let now = self.now;
        let order = self.by_key_mut(key)?;
        let (account, step) = (AccountId(order.account), order.step(kind, now, reason)?);
        events.push(ExchangeEvent { account, execution: None, event: VenueEvent::Step(step) });
        Ok(())
    }

    /// A cancel or change that came too late or too early: told, and nothing changes.
    pub(super) fn tell_refusal(
        &mut self,
        key: u64,
        event: &'static str,
        reason: String,
        events: &mut Vec<ExchangeEvent>,
    ) {
        let now = self.now;
        if let Some(order) = self.orders.get_mut(key) {
            let record = &mut order.record;
            record.seq += 1;
            let (state, client_order_id) = (record.state.as_str(), record.request.client_order_id);
            let (seq, account) = (record.seq, AccountId(order.account));
            let step = OrderStep { client_order_id, seq, event, state_before: state, state, ts_event: now, reason };
            events.push(ExchangeEvent { account, execution: None, event: VenueEvent::Step(step) });
        }
    }

    /// The order is over: it leaves every place it was in, and what it held back is free again.
    pub(super) fn close(&mut self, key: u64) -> Result<(), ExchangeError> {
        let order = self.orders.get_mut(key).ok_or_else(lost)?;
        let (number, open_at) = (order.account, order.open_at as usize);
        let account = self.accounts.get_mut(number as usize).ok_or_else(|| ExchangeError::unknown_account(number))?;
        // An order ends once.
        if account.open.get(open_at) != Some(&key) {
            return Err(lost());
        }
        if let Some(reservation) = &mut order.reservation {
            account.portfolio.release(reservation)?;
        }
        order.reservation = None;
        if !order.record.request.oco_group.is_empty() {
            account.groups.leave(&order.record.request.oco_group, key);
        }
        if order.shrinks {
            account.shrinking.retain(|other| *other != key);
        }
        account.open.swap_remove(open_at);
        let moved = account.open.get(open_at).copied();
        if order.place == Place::Asleep
            && let Some(listing) = self.listings.get_mut(order.listing as usize)
        {
            listing.triggers.remove(key);
        }
        if let Some(moved) = moved.and_then(|moved| self.orders.get_mut(moved)) {
            moved.open_at = u32::try_from(open_at).unwrap_or(u32::MAX);
        }
        self.orders.close(key);
        Ok(())
    }

    /// What open orders of an account hold back, by the orders themselves; equals what its balances have locked.
    ///
    /// # Errors
    /// An unknown account, or overflow.
    pub fn held_by_orders(&self, account: AccountId) -> Result<Money, ExchangeError> {
        let open = &self.account(account.0)?.open;
        let held = open.iter().filter_map(|key| self.orders.get(*key)?.reservation);
        Ok(held.into_iter().try_fold(Money::ZERO, |sum, reservation| sum.plus(reservation.cash))?)
    }

    /// A digest of all state that a later command can see: clock, orders, books, replicas and portfolios.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut hash = StateHasher::new();
        hash.int(self.now.0);
        hash.word(self.orders.next_number());
        for order in self.orders.open() {
            order.hash(&mut hash);
        }
        for listing in &self.listings {
            hash.text(&listing.instrument.symbol);
            hash.word(listing.trades);
            hash.optional(listing.last_trade.map(crate::types::Price::raw));
            hash.optional(listing.mark.map(crate::types::Price::raw));
            match &listing.liquidity {
                Liquidity::Book(book) => hash.word(book.state_hash()),
                Liquidity::Depth(replica) => replica.hash(&mut hash),
            }
            for key in listing.triggers.trailing() {
                hash.word(key);
                hash.optional(listing.triggers.level(key).map(crate::types::Price::raw));
            }
        }
        for account in &self.accounts {
            account.portfolio.for_each_word(&mut |bytes| hash.bytes(bytes));
        }
        hash.word(u64::try_from(self.inbox.len()).unwrap_or(u64::MAX));
        hash.optional(self.inbox.next_arrival().map(|at| at.0));
        hash.text(self.halted.as_deref().unwrap_or_default());
        hash.finish()
    }
}

#[cold]
fn lost() -> ExchangeError {
    ExchangeError::Halted { reason: "an order was lost".to_owned() }
}

impl Order {
    /// Take a step of the life cycle; the state before it.
    #[inline]
    pub(super) fn advance(&mut self, kind: OrderEventKind) -> Result<OrderState, ExchangeError> {
        let record = &mut self.record;
        let state = transition(&record.state, kind)?;
        record.seq += 1;
        Ok(std::mem::replace(&mut record.state, state))
    }

    /// Take a step of the life cycle, and tell it.
    #[inline]
    pub(super) fn step(
        &mut self,
        kind: OrderEventKind,
        now: UtcNanos,
        reason: &str,
    ) -> Result<OrderStep, ExchangeError> {
        let state_before = self.advance(kind)?.as_str();
        let (record, state) = (&self.record, self.record.state);
        Ok(OrderStep {
            client_order_id: record.request.client_order_id,
            seq: record.seq,
            event: kind.as_str(),
            state_before,
            state: state.as_str(),
            ts_event: now,
            reason: reason.to_owned(),
        })
    }

    fn hash(&self, hash: &mut StateHasher) {
        hash.word(self.key);
        hash.word(u64::from(self.account));
        hash.text(&self.record.request.client_order_id);
        hash.text(self.record.state.as_str());
        hash.int(self.record.state.filled().raw());
        hash.int(self.record.request.quantity.raw());
        hash.int(self.leaves);
        hash.optional(self.limit.map(|ticks| ticks.0));
        hash.optional(self.reservation.map(|held| held.cash.raw()));
        hash.optional(self.queue.map(|queue| queue.front().0));
        hash.word(self.place as u64);
    }
}
