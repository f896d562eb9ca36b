//! Looking at the desk: orders, positions, account, counts, events, state hash.

use super::engine::{DeskCounts, DeskError, ExecutionDesk};
use super::events::{DeskEvent, EventBatch, EventRing};
use super::queue::QueueCounts;
use super::throttle::ThrottleCounts;
use crate::matching::OrderRecord;
use crate::orders::OrderRequest;
use crate::portfolio::{AccountTotals, Portfolio};
use crate::risk::{Exposure, Market, RiskGate};
use crate::types::{ClientOrderId, Instrument, StateHasher, Symbol, UtcNanos};

impl ExecutionDesk {
    /// The clock: time of the last command or data.
    #[must_use]
    pub const fn now(&self) -> UtcNanos {
        self.exchange.now()
    }

    /// An order that was sent, also for a while after its end.
    #[must_use]
    pub fn order(&self, client_order_id: &ClientOrderId) -> Option<&OrderRecord> {
        self.exchange.order(self.account, client_order_id)
    }

    /// Open orders, oldest first.
    #[must_use]
    pub fn working(&self) -> Vec<&OrderRecord> {
        self.exchange.working(self.account)
    }

    /// Whether an order waits for the throttle.
    #[must_use]
    pub fn waits(&self, client_order_id: &ClientOrderId) -> bool {
        self.waiting.iter().any(|request: &OrderRequest| request.client_order_id == *client_order_id)
    }

    /// The account.
    ///
    /// # Errors
    /// Never for an account of this desk.
    pub fn portfolio(&self) -> Result<&Portfolio, DeskError> {
        let unknown = crate::matching::exchange::ExchangeError::UnknownAccount(self.account.number());
        self.exchange.portfolio(self.account).ok_or_else(|| unknown.into())
    }

    /// Totals of the account in its currency.
    ///
    /// # Errors
    /// Overflow, or a missing conversion rate.
    pub fn totals(&self) -> Result<AccountTotals, DeskError> {
        Ok(self.portfolio()?.totals()?)
    }

    /// The account as the gate sees it.
    #[must_use]
    pub const fn exposure(&self) -> &Exposure {
        &self.exposure
    }

    /// The gate.
    #[must_use]
    pub const fn gate(&self) -> &RiskGate {
        &self.gate
    }

    /// The gate, to halt, re-arm, restore and change bounds.
    pub const fn gate_mut(&mut self) -> &mut RiskGate {
        &mut self.gate
    }

    /// A listed instrument.
    #[must_use]
    pub fn instrument(&self, symbol: &Symbol) -> Option<&Instrument> {
        self.by_symbol.get(symbol).and_then(|slot| self.listed.get(*slot)).map(|listed| &listed.instrument)
    }

    /// What the market last said of an instrument.
    #[must_use]
    pub fn market(&self, symbol: &Symbol) -> Option<Market> {
        self.by_symbol.get(symbol).and_then(|slot| self.listed.get(*slot)).map(|listed| listed.market)
    }

    /// Counts since the desk was opened.
    #[must_use]
    pub const fn counts(&self) -> DeskCounts {
        self.counts
    }

    /// Counts of the queue of orders that wait for the throttle.
    #[must_use]
    pub const fn queue_counts(&self) -> QueueCounts {
        self.waiting.counts()
    }

    /// Counts of the throttle; zero without one.
    #[must_use]
    pub fn throttle_counts(&self) -> ThrottleCounts {
        self.throttle.as_ref().map(super::throttle::Throttle::counts).unwrap_or_default()
    }

    /// Orders that wait for the throttle.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The events.
    #[must_use]
    pub const fn events(&self) -> &EventRing {
        &self.ring
    }

    /// Events from a number on, left in place: what a journal writes.
    pub fn events_since(&self, from: u64) -> impl Iterator<Item = &DeskEvent> + Clone {
        self.ring.since(from)
    }

    /// While held no event is dropped, whatever the policy.
    pub fn hold_events(&mut self, held: bool) {
        self.ring.hold(held);
    }

    /// Take at most `most` events.
    pub fn take_events(&mut self, most: usize) -> Option<EventBatch> {
        self.ring.take(most)
    }

    /// A digest of everything that a later command can see, but for what the gate remembers of ids.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut hasher = StateHasher::new();
        hasher.bytes(&self.exchange.state_hash().to_le_bytes());
        let totals = self.exposure.totals();
        for amount in [totals.equity, totals.gross, totals.net] {
            hasher.int(amount.raw());
        }
        let counts = self.counts;
        for count in [counts.submitted, counts.approved, counts.refused, counts.fills, self.ring.next_number()] {
            hasher.bytes(&count.to_le_bytes());
        }
        for (id, parent) in &self.parents {
            hasher.bytes(id.as_bytes());
            hasher.int(parent.filled().raw());
            hasher.int(parent.working().raw());
            hasher.bytes(parent.state().as_str().as_bytes());
        }
        hasher.bytes(self.gate.state().state.as_str().as_bytes());
        hasher.finish()
    }
}
