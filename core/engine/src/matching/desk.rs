//! Everything the practice venue keeps for one instrument: its working orders and what ties them together.
//!
//! Closed orders are not here. A desk is cloned for a bar and the clone thrown away when the bar fails.

use std::collections::BTreeMap;

use super::contingency::{Bracket, Leg, OcoGroups};
use super::report::{OrderRecord, OrderStep, VenueEvent};
use super::triggers::TriggerBook;
use crate::orders::{IllegalTransition, OrderEventKind, OrderState, OrderType, transition};
use crate::risk::Quote;
use crate::types::{AmountError, ClientOrderId, Instrument, Price, StateHasher, StrategyId, UtcNanos};

#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) instrument: Instrument,
    pub(super) quote: Option<Quote>,
    /// Begin of the last bar.
    pub(super) last_open: Option<UtcNanos>,
    /// Working orders by rank of acceptance.
    pub(super) orders: BTreeMap<u64, OrderRecord>,
    pub(super) triggers: TriggerBook,
    pub(super) groups: OcoGroups<u64>,
    pub(super) bracket: Bracket<u64>,
}

/// An order that closed and whose it was, for the venue's memory of ids.
pub(super) type Closed = (ClientOrderId, OrderState, StrategyId);

impl Desk {
    pub(super) fn new(instrument: Instrument) -> Self {
        Self {
            instrument,
            quote: None,
            last_open: None,
            orders: BTreeMap::new(),
            triggers: TriggerBook::new(instrument.tick_size),
            groups: OcoGroups::default(),
            bracket: Bracket::default(),
        }
    }

    /// Put an order on the desk. Fails before anything is changed.
    pub(super) fn add(&mut self, order: OrderRecord, best: Price) -> Result<(), AmountError> {
        let rank = order.rank;
        let request = &order.request;
        if order.protective {
            let (leg, price) = match request.order_type {
                OrderType::Limit(price) => (Leg::TakeProfit, price),
                other => (Leg::StopLoss, other.trigger().unwrap_or_default()),
            };
            let (stop, target) = self.bracket.levels();
            match leg {
                Leg::StopLoss => self.bracket.set(Some(price), target),
                Leg::TakeProfit => self.bracket.set(stop, Some(price)),
            }
            self.bracket.placed(leg, rank, request.side, price, order.left());
        } else {
            if request.order_type.is_conditional() && !order.triggered {
                self.triggers.insert(rank, &request.order_type, request.side, best)?;
            }
            self.groups.join(request.oco_group, rank);
        }
        self.orders.insert(rank, order);
        Ok(())
    }

    /// One step of an order's life. A closed order leaves the desk and is returned.
    pub(super) fn step(
        &mut self,
        rank: u64,
        kind: OrderEventKind,
        now: UtcNanos,
        reason: impl Into<String>,
        events: &mut Vec<VenueEvent>,
    ) -> Result<Option<Closed>, IllegalTransition> {
        let Some(order) = self.orders.get_mut(&rank) else { return Ok(None) };
        let state = transition(&order.state, kind)?;
        order.seq = order.seq.saturating_add(1);
        let (before, after) = (order.state.as_str(), state.as_str());
        order.state = state;
        let id = order.request.client_order_id;
        events.push(VenueEvent::Step(OrderStep {
            client_order_id: id,
            seq: order.seq,
            event: kind.as_str(),
            state_before: before,
            state: after,
            ts_event: now,
            reason: reason.into(),
        }));
        if !state.is_closed() {
            return Ok(None);
        }
        let (group, strategy) = (order.request.oco_group, order.request.strategy);
        self.orders.remove(&rank);
        self.triggers.remove(rank);
        self.groups.leave(&group, rank);
        self.bracket.gone(rank);
        Ok(Some((id, state, strategy)))
    }

    /// Whether an order has waited through the open of a bar, so that what comes to it finds it resting.
    pub(super) fn rested(&self, order: &OrderRecord) -> bool {
        self.last_open.is_some_and(|open| order.eligible_from <= open)
    }

    /// The terms of a trailing stop as a step's reason.
    pub(super) fn trail_terms(&self, rank: u64) -> Option<String> {
        self.triggers.trail_state(rank).map(|state| format!("best={} level={}", state.best, state.level))
    }

    /// Everything that decides what the desk will do next, in a fixed order.
    pub(super) fn hash(&self, hasher: &mut StateHasher) {
        hasher.text(&self.instrument.symbol);
        hasher.optional(self.quote.map(|quote| quote.price.raw()));
        hasher.optional(self.quote.map(|quote| quote.ts_event.0));
        hasher.optional(self.last_open.map(|open| open.0));
        let (stop, target) = self.bracket.levels();
        hasher.optional(stop.map(Price::raw));
        hasher.optional(target.map(Price::raw));
        hasher.word(u64::try_from(self.orders.len()).unwrap_or(u64::MAX));
        for (rank, order) in &self.orders {
            let request = &order.request;
            for text in [&request.client_order_id, &request.oco_group] {
                hasher.text(text);
            }
            hasher.text(request.side.as_str());
            hasher.text(order.works_as().as_str());
            hasher.text(request.time_in_force.as_str());
            hasher.text(order.state.as_str());
            hasher.optional(request.order_type.limit().map(Price::raw));
            hasher.optional(self.triggers.level(*rank).map(Price::raw));
            hasher.optional(self.triggers.trail_state(*rank).map(|state| state.best.raw()));
            hasher.optional(order.expires().map(|until| until.0));
            let flags = [request.post_only, request.reduce_only, order.protective, order.triggered];
            hasher.bytes(&flags.map(u8::from));
            let charges = order.charges;
            for value in [request.quantity.raw(), order.state.filled().raw(), order.eligible_from.0] {
                hasher.int(value);
            }
            for value in [charges.quantity.raw(), charges.notional.raw(), charges.fee.raw()] {
                hasher.int(value);
            }
            hasher.word(u64::from(order.seq));
            hasher.word(u64::from(order.fills));
        }
    }
}
