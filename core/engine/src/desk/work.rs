//! What the desk does by itself: orders that wait for the throttle, and parents with their slices.

use super::engine::{DeskError, ExecutionDesk};
use super::events::DeskEvent;
use super::parents::{ChildReport, ParentAction, ParentOrder, ParentRequest, ParentState};
use super::queue::Priority;
use super::throttle::{Admission, Operation};
use crate::matching::exchange::CancelFilter;
use crate::orders::{OrderRequest, OrderType, Origin, TimeInForce};
use crate::types::{ClientOrderId, Price, Quantity, SourceId, StrategyId, UtcNanos};

/// The parent and the number of the slice that an id of the form `<parent>-S<n>` names.
fn parent_of(child: &ClientOrderId) -> Option<(ClientOrderId, u32)> {
    let (parent, number) = child.rsplit_once("-S")?;
    Some((ClientOrderId::parse(parent).ok()?, number.parse().ok()?))
}

impl ExecutionDesk {
    /// Send what waits for the throttle, the urgent first, until the throttle says no. Returns when to come back.
    pub(super) fn release_waiting(&mut self, now: UtcNanos) -> Option<UtcNanos> {
        while let Some((priority, _)) = self.waiting.peek() {
            let operation = if priority == Priority::Normal { Operation::Submit } else { Operation::Reduce };
            let answer = self.throttle.as_mut().map_or(Admission::Pass, |throttle| throttle.admit(operation, now));
            if let Admission::Wait { until } | Admission::Refuse { until, .. } = answer {
                return Some(until);
            }
            let Some(request) = self.waiting.pop() else { break };
            // A refusal is an event; whoever sent it has been told that it waits.
            let sent = self.slot(&request.symbol).and_then(|slot| self.send(&request, slot, now));
            match sent {
                Ok(_) => {}
                Err(DeskError::Refused(_)) => self.report_closed(&request.client_order_id),
                Err(error) => self.tell_unsent(&request, now, &error.to_string()),
            }
        }
        None
    }

    /// Start a parent order; its first slice may leave at once.
    ///
    /// # Errors
    /// An instrument that is not listed, or an id that is taken.
    pub fn start_parent(&mut self, request: ParentRequest, now: UtcNanos) -> Result<(), DeskError> {
        let slot = self.slot(&request.instrument.symbol)?;
        let (id, symbol) = (request.id, request.instrument.symbol);
        if self.parents.contains_key(&id) {
            return Err(DeskError::DuplicateId { client_order_id: id });
        }
        let Some(listed) = self.listed.get(slot) else {
            return Err(self.unlisted(symbol));
        };
        let (instrument, volume) = (listed.instrument, listed.volume);
        self.parents.insert(id, ParentOrder::new(ParentRequest { instrument, ..request })?);
        self.volume_before.insert(id, volume);
        self.advance_parents(now);
        Ok(())
    }

    /// A parent.
    #[must_use]
    pub fn parent(&self, id: &ClientOrderId) -> Option<&ParentOrder> {
        self.parents.get(id)
    }

    /// All parents, by id.
    pub fn parents(&self) -> impl Iterator<Item = &ParentOrder> {
        self.parents.values()
    }

    /// Change quantity and limit of a parent, for the slices still to come.
    ///
    /// # Errors
    /// No such parent, or a change that it cannot take.
    pub fn amend_parent(
        &mut self,
        id: &ClientOrderId,
        quantity: Quantity,
        limit: Option<Price>,
    ) -> Result<(), DeskError> {
        let unknown = DeskError::UnknownOrder { client_order_id: *id };
        Ok(self.parents.get_mut(id).ok_or(unknown)?.amend(quantity, limit)?)
    }

    /// Take a parent back, and with it its slices.
    ///
    /// # Errors
    /// No such parent, or one that is over.
    pub fn cancel_parent(&mut self, id: &ClientOrderId, now: UtcNanos) -> Result<(), DeskError> {
        let mut actions = Vec::new();
        let unknown = DeskError::UnknownOrder { client_order_id: *id };
        self.parents.get_mut(id).ok_or(unknown)?.cancel(&mut actions)?;
        self.work(*id, &actions, now);
        self.settle_parents(now);
        Ok(())
    }

    pub(super) fn cancel_parents(&mut self, filter: &CancelFilter, now: UtcNanos) {
        let fits = |parent: &ParentOrder| {
            let asked = parent.request();
            !parent.state().is_closed()
                && filter.symbol.is_none_or(|symbol| symbol == asked.instrument.symbol)
                && filter.side.is_none_or(|side| side == asked.side)
        };
        let ids: Vec<_> = self.parents.iter().filter(|(_, parent)| fits(parent)).map(|(id, _)| *id).collect();
        for id in ids {
            // It is open, so it can be taken back.
            let _closed = self.cancel_parent(&id, now);
        }
    }

    pub(super) fn report_closed(&mut self, child: &ClientOrderId) {
        self.report(child, ChildReport::Closed);
    }

    pub(super) fn report_fill(&mut self, child: &ClientOrderId, quantity: Quantity) {
        self.report(child, ChildReport::Fill(quantity));
    }

    /// What a child did is noted at once and acted on when the command is done.
    fn report(&mut self, child: &ClientOrderId, report: ChildReport) {
        if self.parents.is_empty() {
            return;
        }
        if let Some((parent, slice)) = parent_of(child).filter(|(parent, _)| self.parents.contains_key(parent)) {
            self.reports.push((parent, slice, report));
        }
    }

    /// Tell parents what became of their children, and do what follows from it, until nothing follows.
    pub(super) fn settle_parents(&mut self, now: UtcNanos) {
        while !self.reports.is_empty() && !self.settling {
            self.settling = true;
            let mut actions = Vec::new();
            for (id, slice, report) in std::mem::take(&mut self.reports) {
                let Some(parent) = self.parents.get_mut(&id) else { continue };
                // A slice that it did not send is an order of somebody else with such an id.
                let _foreign = parent.report(slice, report, &mut actions);
                self.work(id, &std::mem::take(&mut actions), now);
            }
            self.settling = false;
        }
    }

    pub(super) fn advance_parents(&mut self, now: UtcNanos) {
        if self.parents.is_empty() {
            return;
        }
        let open: Vec<_> =
            self.parents.iter().filter(|(_, parent)| !parent.state().is_closed()).map(|(id, _)| *id).collect();
        for id in open {
            let before = self.volume_before.get(&id).copied().unwrap_or_default();
            let Some(parent) = self.parents.get_mut(&id) else { continue };
            let slot = self.by_symbol.get(&parent.request().instrument.symbol);
            let volume = slot.and_then(|slot| self.listed.get(*slot)).map(|listed| listed.volume).unwrap_or_default();
            let observed = Quantity::from_raw(volume.raw().saturating_sub(before.raw()));
            let mut actions = Vec::new();
            parent.advance(now, observed, &mut actions);
            self.work(id, &actions, now);
        }
        self.settle_parents(now);
    }

    /// Do what a parent asks for. A slice that is refused is closed, so that its quantity is caught up later.
    fn work(&mut self, id: ClientOrderId, actions: &[ParentAction], now: UtcNanos) {
        for action in actions {
            match *action {
                ParentAction::Submit { slice, client_order_id, quantity, limit } => {
                    let Some(request) = self.slice_of(&id, client_order_id, quantity, limit) else { continue };
                    if self.submit(request, now).is_err() {
                        self.reports.push((id, slice, ChildReport::Closed));
                    }
                }
                ParentAction::Cancel { slice, client_order_id } => {
                    if self.cancel(&client_order_id, now, "its parent took it back").is_err() {
                        self.reports.push((id, slice, ChildReport::CancelRejected));
                    }
                }
            }
        }
    }

    fn slice_of(
        &self,
        id: &ClientOrderId,
        client_order_id: ClientOrderId,
        quantity: Quantity,
        limit: Option<Price>,
    ) -> Option<OrderRequest> {
        let parent = self.parents.get(id)?;
        let asked = parent.request();
        let slot = self.by_symbol.get(&asked.instrument.symbol)?;
        let last = self.listed.get(*slot)?.market.quote.map(|quote| quote.price);
        let reference = last.or(limit).unwrap_or_default();
        let kind = limit.map_or(OrderType::Market, OrderType::Limit);
        let source = SourceId::parse(&client_order_id).unwrap_or_default();
        let symbol = asked.instrument.symbol;
        let mut request = OrderRequest::new(client_order_id, source, symbol, asked.side, quantity, kind, reference);
        request.parent = *id;
        request.strategy = StrategyId::EMPTY;
        request.origin = Origin::Auto;
        // Slices of one parent look alike on purpose.
        request.forced = true;
        if limit.is_none() {
            request.time_in_force = TimeInForce::Ioc;
        }
        Some(request)
    }

    /// When [`ExecutionDesk::advance`] has something to do next.
    #[must_use]
    pub fn next_due(&self) -> Option<UtcNanos> {
        let parents = self.parents.values().filter(|parent| parent.state() == ParentState::Working);
        parents.filter_map(ParentOrder::next_due).chain(self.exchange.next_event()).min()
    }
}

impl ExecutionDesk {
    /// Halt: nothing that opens risk passes until [`ExecutionDesk::rearm`]; cancels and exits go on.
    pub fn halt(&mut self, reason: &str, by: &str, now: UtcNanos) {
        if let Some(event) = self.gate.halt(reason, by, now) {
            self.ring.push(DeskEvent::Risk(Box::new(event)));
        }
    }

    /// A person takes the halt back.
    ///
    /// # Errors
    /// Nobody's name.
    pub fn rearm(&mut self, by: &str, now: UtcNanos) -> Result<(), DeskError> {
        let event = self.gate.rearm_by(by, now)?;
        self.ring.push(DeskEvent::Risk(Box::new(event)));
        Ok(())
    }
}
