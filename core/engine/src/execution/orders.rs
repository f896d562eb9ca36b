//! Our side: submissions, commands, what the log releases, restart.

use super::effect::{Alert, Denied, Effect, Submitted};
use super::input::Command;
use super::ledger::is_unknown;
use super::manager::OrderManager;
use super::record::{Discrepancy, Reason, Record, Switch};
use crate::orders::{OrderEventKind, OrderRequest, OrderState};
use crate::types::{ClientOrderId, Price, Quantity, Symbol, UtcNanos};

const NEVER: UtcNanos = UtcNanos(0);

impl OrderManager {
    pub(super) fn take(&mut self, request: OrderRequest, effects: &mut Vec<Effect>) -> Submitted {
        if let Some(first) = self.ledger.find(&request.client_order_id) {
            return Submitted::Duplicate(first.state);
        }
        if let Err(denied) = self.allows(&request) {
            return Submitted::Denied(denied);
        }
        self.commit(Record::Intent(request), effects);
        self.counts.intents += 1;
        let now = self.now.monotonic;
        let index = self.ledger.index(&request.client_order_id);
        if let Some(order) = index.and_then(|index| self.ledger.order_mut(index)) {
            order.touched = now;
        }
        if let (true, Some(index)) = (self.log_failed, index) {
            // Only an exit gets here; see `allows`.
            effects.push(Effect::Alert(Alert::SentUnlogged(request.client_order_id)));
            self.release(index, request, effects);
        }
        Submitted::Taken
    }

    fn allows(&self, request: &OrderRequest) -> Result<(), Denied> {
        let exits = request.reduce_only;
        if self.ledger.killed && !exits {
            return Err(Denied::Killed);
        }
        if self.log_failed && !(exits && self.config.reduce_without_log) {
            return Err(Denied::LogFailed);
        }
        if !self.link_up {
            return Err(Denied::LinkDown);
        }
        if !self.reconciliation.done {
            return Err(Denied::NotReconciled);
        }
        if self.now.monotonic < self.quiet_until {
            return Err(Denied::Busy);
        }
        let Ok(notional) = request.order_type.price().unwrap_or(request.reference_price).notional(request.quantity)
        else {
            return Err(Denied::Overflow);
        };
        if exits {
            return Ok(());
        }
        if self.ledger.reducing {
            return Err(Denied::Reducing);
        }
        let Some(state) = self.ledger.symbol_state(&request.symbol) else { return Ok(()) };
        if state.held > 0 {
            return Err(Denied::Held(request.symbol));
        }
        if state.unknown > 0 {
            return Err(Denied::UnknownOrder(request.symbol));
        }
        if state.has_room(request.side, notional) { Ok(()) } else { Err(Denied::Overflow) }
    }

    /// Send an order whose intent is in the log (or may go without).
    fn release(&mut self, index: u32, request: OrderRequest, effects: &mut Vec<Effect>) {
        self.step(index, OrderEventKind::Submit, Reason::Request, NEVER, effects);
        let now = self.now;
        if let Some(order) = self.ledger.order_mut(index) {
            order.sent = now.monotonic;
        }
        self.counts.sent += 1;
        effects.push(Effect::Send { request, sent_at: now.utc });
    }

    /// It cannot or may not be sent any more, and was not.
    fn drop_intent(&mut self, index: u32, effects: &mut Vec<Effect>) {
        if let Some(order) = self.ledger.order(index) {
            effects.push(Effect::Alert(Alert::NeverSent(order.client_order_id)));
        }
        self.step(index, OrderEventKind::Cancel, Reason::NeverSent, NEVER, effects);
    }

    pub(super) fn confirm(&mut self, seq: u64, effects: &mut Vec<Effect>) {
        while let Some(entry) = self.tail.pop_front() {
            if entry.seq > seq {
                self.tail.push_front(entry);
                break;
            }
            match entry.record {
                Record::Intent(request) => self.confirm_intent(request, effects),
                Record::Event(event) if event.event == OrderEventKind::RequestAmend => {
                    self.confirm_amend(event.client_order_id, event.number, effects);
                }
                _ => {}
            }
        }
        if !self.log_failed {
            return;
        }
        if self.tail.is_empty() {
            self.log_recovered(effects);
        } else if self.offered < self.ledger.last_seq {
            let offered = self.offered;
            effects.extend(self.tail.iter().filter(|entry| entry.seq > offered).cloned().map(Effect::Log));
            self.offered = self.ledger.last_seq;
        }
    }

    fn confirm_intent(&mut self, request: OrderRequest, effects: &mut Vec<Effect>) {
        let Some(index) = self.ledger.index(&request.client_order_id) else { return };
        let Some(order) = self.ledger.order(index) else { return };
        if order.state != OrderState::Initialized {
            return;
        }
        let age = self.now.monotonic.saturating_sub(order.touched);
        let can = self.link_up && self.now.monotonic >= self.quiet_until && age <= self.config.longest_intent_age;
        let may = (!self.ledger.killed && !self.ledger.reducing) || request.reduce_only;
        if can && may {
            self.release(index, request, effects);
        } else {
            self.drop_intent(index, effects);
        }
    }

    fn confirm_amend(&mut self, client_order_id: ClientOrderId, number: u32, effects: &mut Vec<Effect>) {
        let Some(index) = self.ledger.index(&client_order_id) else { return };
        let Some(order) = self.ledger.order(index) else { return };
        let pending = matches!(order.state, OrderState::PendingAmend { .. }) && order.events == number;
        let Some((quantity, price)) = order.amendment.filter(|_| pending) else { return };
        if !self.link_up || self.now.monotonic < self.quiet_until {
            self.step(index, OrderEventKind::RejectAmend, Reason::NeverSent, NEVER, effects);
            return;
        }
        let (symbol, sent_at) = (self.symbol_of(order), self.now.utc);
        effects.push(Effect::SendAmend { client_order_id, symbol, quantity, price, sent_at });
    }

    /// The log is down: what waits for it is not sent, and nothing new is taken.
    pub(super) fn fail_closed(&mut self, effects: &mut Vec<Effect>) {
        if !self.log_failed {
            effects.push(Effect::Alert(Alert::LogFailed));
        }
        self.log_failed = true;
        self.log_retry_at = self.now.monotonic.saturating_add(self.config.log_retry_pause.max(1));
        let waiting: Vec<(ClientOrderId, bool)> = self
            .tail
            .iter()
            .filter_map(|entry| match &entry.record {
                Record::Intent(request) => Some((request.client_order_id, true)),
                Record::Event(event) if event.event == OrderEventKind::RequestAmend => {
                    Some((event.client_order_id, false))
                }
                _ => None,
            })
            .collect();
        for (client_order_id, intent) in waiting {
            let Some(index) = self.ledger.index(&client_order_id) else { continue };
            match (intent, self.ledger.order(index).map(|order| order.state)) {
                (true, Some(OrderState::Initialized)) => self.drop_intent(index, effects),
                (false, Some(OrderState::PendingAmend { .. })) => {
                    self.step(index, OrderEventKind::RejectAmend, Reason::NeverSent, NEVER, effects);
                }
                _ => {}
            }
        }
    }

    pub(super) fn restart(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.monotonic;
        for state in &mut self.ledger.symbols {
            state.moved = now;
        }
        for index in self.open_orders_now() {
            let Some(order) = self.ledger.order_mut(index) else { continue };
            // It may have left at any time before now, so the horizon begins anew.
            (order.sent, order.touched) = (now, now);
            let (stray, unknown) =
                (order.awaits_answer() || order.state == OrderState::Initialized, order.is_unknown());
            if stray {
                self.lose(index, Reason::Restart, effects);
            } else if unknown {
                self.watch(index);
            }
        }
        // The record that ended a discrepancy may be lost while the evidence before it is not.
        let about: Vec<ClientOrderId> =
            self.ledger.discrepancies.values().filter_map(Discrepancy::client_order_id).collect();
        for index in about.iter().filter_map(|id| self.ledger.index(id)).collect::<Vec<u32>>() {
            self.close_by_evidence(index, effects);
        }
        if self.ledger.killed {
            self.cancel_all(Symbol::EMPTY, Reason::Kill, effects);
        }
        for group in 0..self.ledger.groups_count() {
            let group = u32::try_from(group).unwrap_or(u32::MAX);
            let traded =
                |index: &u32| self.ledger.order(*index).is_some_and(|order| order.state.filled() > Quantity::ZERO);
            if let Some(first) = self.ledger.group(group).iter().copied().find(traded) {
                self.cancel_siblings(first, effects);
            }
        }
    }

    /// Open orders, oldest first.
    pub(super) fn open_orders_now(&mut self) -> Vec<u32> {
        let mut open = std::mem::take(&mut self.scratch);
        self.ledger.open_into(&mut open);
        open
    }

    pub(super) fn obey(&mut self, command: Command, effects: &mut Vec<Effect>) -> Result<(), Denied> {
        match command {
            Command::Cancel(client_order_id) => {
                let index = self.ours(client_order_id)?;
                let state = self.ledger.order(index).map_or(OrderState::Rejected, |order| order.state);
                if state.is_closed() {
                    return Err(Denied::State(client_order_id, state.as_str()));
                }
                self.want_back(index, Reason::Request, effects);
            }
            Command::Amend { client_order_id, quantity, price } => {
                self.amend(client_order_id, quantity, price, effects)?;
            }
            Command::CancelAll { symbol } => self.cancel_all(symbol, Reason::Request, effects),
            Command::Kill { flatten } => self.kill(flatten, effects),
            Command::Reduce => {
                if !self.ledger.reducing {
                    self.commit(Record::Switch(Switch::Reduce), effects);
                }
            }
            Command::Rearm => {
                if self.ledger.killed || self.ledger.reducing {
                    self.commit(Record::Switch(Switch::Rearm), effects);
                }
            }
            Command::AcceptVenue(id) => self.accept_venue(id, effects)?,
            Command::Resolve { client_order_id, resolution } => self.resolve(client_order_id, resolution, effects)?,
        }
        Ok(())
    }

    fn ours(&self, client_order_id: ClientOrderId) -> Result<u32, Denied> {
        let index = self.ledger.index(&client_order_id).ok_or(Denied::NoSuchOrder(client_order_id))?;
        let foreign = self.ledger.order(index).is_none_or(|order| order.foreign);
        if foreign { Err(Denied::NoSuchOrder(client_order_id)) } else { Ok(index) }
    }

    fn amend(
        &mut self,
        client_order_id: ClientOrderId,
        quantity: Option<Quantity>,
        price: Option<Price>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denied> {
        let index = self.ours(client_order_id)?;
        let order = self.ledger.order(index).ok_or(Denied::NoSuchOrder(client_order_id))?;
        let state = order.state;
        let (quantity, price) = (quantity.unwrap_or(order.quantity), price.or(order.limit));
        let notional = price.unwrap_or(order.value_price).notional(quantity);
        if quantity > order.quantity {
            return Err(Denied::AmendIncreases(client_order_id));
        }
        let sensible = quantity > state.filled() && price.is_some() == order.limit.is_some();
        if notional.is_err() || price.is_some_and(|price| price <= Price::ZERO) {
            return Err(Denied::Overflow);
        }
        if self.log_failed {
            return Err(Denied::LogFailed);
        }
        if !self.link_up {
            return Err(Denied::LinkDown);
        }
        let terms = (quantity, price);
        if !sensible || !self.step_with(index, OrderEventKind::RequestAmend, Reason::Request, NEVER, terms, effects) {
            return Err(Denied::State(client_order_id, state.as_str()));
        }
        Ok(())
    }

    pub(super) fn cancel_all(&mut self, symbol: Symbol, reason: Reason, effects: &mut Vec<Effect>) {
        let open = self.open_orders_now();
        for index in open.iter().copied() {
            let matches = |order| symbol.is_empty() || self.symbol_of(order) == symbol;
            if self.ledger.order(index).is_some_and(matches) {
                self.want_back(index, reason, effects);
            }
        }
        self.scratch = open;
    }

    /// Take an order of ours back: written down, sent at once, repeated until it is gone.
    pub(super) fn want_back(&mut self, index: u32, reason: Reason, effects: &mut Vec<Effect>) {
        let Some(order) = self.ledger.order(index) else { return };
        if order.foreign || order.state.is_closed() || matches!(order.state, OrderState::PendingCancel { .. }) {
            return;
        }
        if order.state == OrderState::Initialized {
            self.drop_intent(index, effects);
            return;
        }
        let repeated = is_unknown(&order.state) && order.cancel_wanted;
        if !repeated {
            self.step(index, OrderEventKind::RequestCancel, reason, NEVER, effects);
        }
        self.send_cancel(index, effects);
    }

    pub(super) fn send_cancel(&mut self, index: u32, effects: &mut Vec<Effect>) {
        if !self.link_up || self.now.monotonic < self.quiet_until {
            if !self.waiting_cancels.contains(&index) {
                self.waiting_cancels.push_back(index);
            }
            return;
        }
        let Some(order) = self.ledger.order(index) else { return };
        let (client_order_id, symbol) = (order.client_order_id, self.symbol_of(order));
        effects.push(Effect::SendCancel { client_order_id, symbol });
    }

    fn kill(&mut self, flatten: bool, effects: &mut Vec<Effect>) {
        if !self.ledger.killed {
            self.commit(Record::Switch(Switch::Kill), effects);
        }
        self.cancel_all(Symbol::EMPTY, Reason::Kill, effects);
        if flatten {
            let held = self.positions().map(|(symbol, position_side, quantity)| Effect::Flatten {
                symbol,
                position_side,
                quantity,
            });
            let held: Vec<Effect> = held.collect();
            effects.extend(held);
        }
    }
}
