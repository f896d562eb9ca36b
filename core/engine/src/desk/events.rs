//! What the desk tells: a bounded ring of numbered events, read in batches.
//!
//! Invariants: numbers count from 1 without a gap; a reader that was too slow learns how many it missed, and never that
//! nothing was missed when something was; `told = read + dropped + waiting`. The ring holds its capacity plus the events
//! of one command (it is cut before a command, not inside), more only while it is held for the journal. O(1) an event,
//! no allocation once grown.

use std::collections::VecDeque;

use crate::matching::{FillRecord, OrderStep};
use crate::orders::OrderRequest;
use crate::portfolio::SettleEvent;
use crate::risk::{Refused, RiskEvent};
use crate::types::{ClientOrderId, Symbol, UtcNanos};

/// What moves an account beside the fills of its orders: what a log must have to restore it. Marks are not told.
pub type Settled = SettleEvent<Symbol>;

/// What happened at the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskEvent {
    /// The gate approved an order; it goes to the venue.
    Intent(Box<OrderRequest>),
    /// The gate refused an order; it was never sent.
    Refused {
        /// The order.
        client_order_id: ClientOrderId,
        /// When.
        ts_event: UtcNanos,
        /// Rule, value and bound.
        refused: Box<Refused>,
    },
    /// The venue made a protective order.
    Attached(Box<OrderRequest>),
    /// An order took a step.
    Step(OrderStep),
    /// An order traded.
    Fill(FillRecord),
    /// A warning, or a new state of the account.
    Risk(Box<RiskEvent>),
    /// Something that moved the account and was no trade of an order.
    Settled(Settled),
}

/// What happens when nobody reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventOverflow {
    /// The oldest events go; the reader is told how many.
    #[default]
    DropOldest,
    /// New orders are refused until somebody reads; cancels and market data go on.
    RefuseOrders,
}

/// Events in the order they happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBatch {
    /// Number of the first event.
    pub first: u64,
    /// Events before it that were dropped since the last batch.
    pub missed: u64,
    /// The events.
    pub events: Vec<DeskEvent>,
}

/// Boxes kept for their memory.
const SPARE: usize = 4;

/// The ring.
#[derive(Clone, Debug)]
pub struct EventRing {
    items: VecDeque<DeskEvent>,
    /// Number of the next event.
    next: u64,
    capacity: usize,
    overflow: EventOverflow,
    held: bool,
    missed: u64,
    dropped: u64,
    /// Boxes of dropped intents, for the next ones.
    #[expect(clippy::vec_box, reason = "the boxes themselves are what is used again")]
    spare: Vec<Box<OrderRequest>>,
}

impl EventRing {
    /// Room for `capacity` events (at least one).
    #[must_use]
    pub fn new(capacity: usize, overflow: EventOverflow) -> Self {
        let capacity = capacity.max(1);
        let items = VecDeque::with_capacity(capacity);
        Self { items, next: 1, capacity, overflow, held: false, missed: 0, dropped: 0, spare: Vec::new() }
    }

    /// Tell that an order was approved.
    #[inline]
    pub(super) fn push_intent(&mut self, request: &OrderRequest) {
        let intent = match self.spare.pop() {
            Some(mut intent) => {
                *intent = *request;
                intent
            }
            None => Box::new(*request),
        };
        self.push(DeskEvent::Intent(intent));
    }

    #[inline]
    pub(super) fn push(&mut self, event: DeskEvent) {
        self.items.push_back(event);
        self.next += 1;
    }

    /// Before a command: cut to the capacity. Whether a new order may come.
    pub(super) fn ready(&mut self) -> bool {
        match self.overflow {
            EventOverflow::RefuseOrders => self.items.len() < self.capacity,
            EventOverflow::DropOldest => {
                self.cut();
                true
            }
        }
    }

    fn cut(&mut self) {
        while !self.held && self.overflow == EventOverflow::DropOldest && self.items.len() > self.capacity {
            if let Some(DeskEvent::Intent(intent)) = self.items.pop_front()
                && self.spare.len() < SPARE
            {
                self.spare.push(intent);
            }
            self.missed += 1;
            self.dropped += 1;
        }
    }

    /// While held nothing is dropped, so that a journal can write everything since a number.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
        self.cut();
    }

    /// Number of the next event.
    #[must_use]
    pub const fn next_number(&self) -> u64 {
        self.next
    }

    /// Events that nobody read and that were dropped.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Events waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The bound.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Waiting events from number `from` on, left in place.
    pub fn since(&self, from: u64) -> impl Iterator<Item = &DeskEvent> + Clone {
        let first = self.next - self.items.len() as u64;
        let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        self.items.iter().skip(skip)
    }

    /// Take at most `most` events, oldest first; `None` when nothing waits and nothing was missed.
    pub fn take(&mut self, most: usize) -> Option<EventBatch> {
        if self.items.is_empty() && self.missed == 0 {
            return None;
        }
        let first = self.next - self.items.len() as u64;
        let count = most.min(self.items.len());
        let events = self.items.drain(..count).collect();
        Some(EventBatch { first, missed: std::mem::take(&mut self.missed), events })
    }
}
