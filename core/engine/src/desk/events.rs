//! What the desk tells: a bounded ring of numbered events, read in batches.
//!
//! Invariants: numbers count from 1 without a gap; a reader that was too slow learns how many it missed, and never that
//! nothing was missed when something was; `told = read + dropped + waiting`. The ring holds its capacity plus the events
//! of one command (it is cut before a command, not inside), more only while it is held for the journal. O(1) an event,
//! no allocation once grown: a new event is written over one that is gone, the box of an intent is used again.

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

/// The ring.
#[derive(Clone, Debug)]
pub struct EventRing {
    /// As many as there ever were at once; those that do not wait are gone, and stay until they are written over.
    slots: Vec<Option<DeskEvent>>,
    /// Slot of the oldest event that waits.
    head: usize,
    /// How many wait.
    waiting: usize,
    /// Number of the next event.
    next: u64,
    capacity: usize,
    overflow: EventOverflow,
    held: bool,
    missed: u64,
    dropped: u64,
}

impl EventRing {
    /// Room for `capacity` events (at least one).
    #[must_use]
    pub fn new(capacity: usize, overflow: EventOverflow) -> Self {
        let capacity = capacity.max(1);
        let slots = Vec::with_capacity(capacity);
        Self { slots, head: 0, waiting: 0, next: 1, capacity, overflow, held: false, missed: 0, dropped: 0 }
    }

    /// Tell that an order was approved.
    #[inline]
    pub(super) fn push_intent(&mut self, request: &OrderRequest) {
        let slot = self.next_slot();
        if let Some(DeskEvent::Intent(intent)) = slot {
            **intent = *request;
        } else {
            *slot = Some(DeskEvent::Intent(Box::new(*request)));
        }
    }

    #[inline]
    pub(super) fn push(&mut self, event: DeskEvent) {
        *self.next_slot() = Some(event);
    }

    /// The slot of the next event, with what was there before.
    #[inline]
    fn next_slot(&mut self) -> &mut Option<DeskEvent> {
        if self.waiting == self.slots.len() {
            self.grow();
        }
        let slot = self.slot_of(self.waiting);
        self.waiting += 1;
        self.next += 1;
        #[expect(clippy::indexing_slicing, reason = "a slot of the ring, which has one more than waited")]
        &mut self.slots[slot]
    }

    /// All of them wait: one slot more, behind the newest.
    #[cold]
    fn grow(&mut self) {
        self.slots.rotate_left(self.head);
        self.head = 0;
        self.slots.push(None);
    }

    /// Slot of an event by its place among those that wait, or of the next one.
    #[inline]
    const fn slot_of(&self, place: usize) -> usize {
        let slot = self.head + place;
        if slot < self.slots.len() { slot } else { slot - self.slots.len() }
    }

    /// The oldest events no longer wait.
    #[inline]
    const fn leave(&mut self, count: usize) {
        self.head = self.slot_of(count);
        self.waiting -= count;
    }

    /// Before a command: cut to the capacity. Whether a new order may come.
    pub(super) fn ready(&mut self) -> bool {
        match self.overflow {
            EventOverflow::RefuseOrders => self.waiting < self.capacity,
            EventOverflow::DropOldest => {
                self.cut();
                true
            }
        }
    }

    #[inline]
    fn cut(&mut self) {
        if !self.held && self.overflow == EventOverflow::DropOldest && self.waiting > self.capacity {
            let gone = self.waiting - self.capacity;
            self.leave(gone);
            self.missed += gone as u64;
            self.dropped += gone as u64;
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
        self.waiting
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// The bound.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Waiting events from number `from` on, left in place.
    pub fn since(&self, from: u64) -> impl Iterator<Item = &DeskEvent> + Clone {
        let first = self.next - self.waiting as u64;
        let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        let (begin, end) = (skip.min(self.waiting), self.waiting);
        (begin..end).filter_map(|place| self.slots.get(self.slot_of(place))?.as_ref())
    }

    /// Take at most `most` events, oldest first; `None` when nothing waits and nothing was missed.
    pub fn take(&mut self, most: usize) -> Option<EventBatch> {
        if self.waiting == 0 && self.missed == 0 {
            return None;
        }
        let first = self.next - self.waiting as u64;
        let count = most.min(self.waiting);
        let mut events = Vec::with_capacity(count);
        for place in 0..count {
            let slot = self.slot_of(place);
            events.extend(self.slots.get_mut(slot).and_then(Option::take));
        }
        self.leave(count);
        Some(EventBatch { first, missed: std::mem::take(&mut self.missed), events })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::orders::OrderType;
    use crate::types::{Price, Quantity, Side, SourceId};

    fn intent(number: u64) -> OrderRequest {
        let (id, source) = (ClientOrderId::EMPTY, SourceId::EMPTY);
        let quantity = Quantity::from_raw(number.cast_signed());
        OrderRequest::new(id, source, Symbol::EMPTY, Side::Buy, quantity, OrderType::Market, Price::ZERO)
    }

    fn step(number: u64) -> DeskEvent {
        DeskEvent::Step(OrderStep {
            client_order_id: ClientOrderId::EMPTY,
            seq: 1,
            event: "cancel",
            state_before: "accepted",
            state: "cancelled",
            ts_event: UtcNanos(number.cast_signed()),
            reason: number.to_string(),
        })
    }

    #[test]
    fn it_holds_what_a_queue_holds_whatever_comes_is_read_and_is_dropped() {
        for capacity in [1, 3, 8] {
            let (mut ring, mut seed) = (EventRing::new(capacity, EventOverflow::DropOldest), 7_u64);
            let (mut naive, mut next, mut missed, mut held) = (VecDeque::new(), 1_u64, 0_u64, false);
            for _ in 0..20_000 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                match seed >> 61 {
                    0..5 => assert!(ring.ready()),
                    5 => {
                        held = seed >> 40 & 3 == 0;
                        ring.hold(held);
                    }
                    most => {
                        let read = ring.take(most as usize).map(|batch| (batch.first, batch.missed, batch.events));
                        let first = next - naive.len() as u64;
                        let events: Vec<DeskEvent> = naive.drain(..naive.len().min(most as usize)).collect();
                        let expected = (!events.is_empty() || missed > 0).then_some((first, missed, events));
                        assert_eq!(read, expected);
                        missed = 0;
                        continue;
                    }
                }
                while !held && naive.len() > capacity {
                    naive.pop_front();
                    missed += 1;
                }
                for _ in 0..seed >> 30 & 3 {
                    if seed >> 50 & 1 == 0 {
                        ring.push_intent(&intent(next));
                        naive.push_back(DeskEvent::Intent(Box::new(intent(next))));
                    } else {
                        ring.push(step(next));
                        naive.push_back(step(next));
                    }
                    next += 1;
                }
                assert_eq!((ring.len(), ring.next_number()), (naive.len(), next));
                let from = next.saturating_sub(seed >> 20 & 7);
                let skip = naive.len().saturating_sub((next - from) as usize);
                assert!(ring.since(from).eq(naive.iter().skip(skip)), "since {from} of {next}");
            }
            assert!(ring.dropped() > 1_000);
        }
    }
}
