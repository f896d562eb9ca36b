//! The venue's messages, in whatever order they come.

use super::effect::{Alert, Effect};
use super::input::{FillReport, RejectKind, VenueOrder, VenueReport, VenueStatus};
use super::manager::OrderManager;
use super::record::{Discrepancy, DiscrepancyKind, FillRecord, Reason, Record, Switch};
use crate::orders::{OrderEventKind, OrderState, transition};
use crate::types::{ClientOrderId, Price, Quantity, UtcNanos};

/// So many answers in a row may count fills that the venue does not list before a person is asked.
const SHORT_ANSWERS: u32 = 4;

impl OrderManager {
    pub(super) fn take_report(&mut self, report: VenueReport<'_>, effects: &mut Vec<Effect>) {
        use OrderEventKind as E;
        use VenueReport as R;
        match report {
            R::Fill(fill) => self.fill(&fill, Reason::Venue, effects),
            R::Accepted { client_order_id, ts_event } => self.plain(client_order_id, E::Accept, ts_event, effects),
            R::Triggered { client_order_id, ts_event } => self.plain(client_order_id, E::Trigger, ts_event, effects),
            R::Rejected { client_order_id, kind, ts_event } => self.rejected(client_order_id, kind, ts_event, effects),
            R::Cancelled { client_order_id, filled, ts_event } => {
                self.ended(client_order_id, E::Cancel, filled, ts_event, effects);
            }
            R::Expired { client_order_id, filled, ts_event } => {
                self.ended(client_order_id, E::Expire, filled, ts_event, effects);
            }
            R::CancelRejected { client_order_id, kind, ts_event } => {
                self.cancel_rejected(client_order_id, kind, ts_event, effects);
            }
            R::Amended { client_order_id, quantity, price, ts_event } => {
                self.amended(client_order_id, quantity, price, ts_event, effects);
            }
            R::AmendRejected { client_order_id, kind, ts_event } => {
                if let RejectKind::RateLimited { retry_after } = kind {
                    self.be_quiet(retry_after, effects);
                }
                let Some(index) = self.known(client_order_id, effects) else { return };
                if self.step(index, E::RejectAmend, Reason::Venue, ts_event, effects) {
                    self.watch_open(index);
                }
            }
            R::Maybe { client_order_id } => {
                let Some(index) = self.known(client_order_id, effects) else { return };
                if self.ledger.order(index).is_some_and(|order| !order.state.is_closed()) {
                    self.lose(index, Reason::Timeout, effects);
                }
            }
            R::Status { order, .. } => {
                let Some(index) = self.known(order.client_order_id, effects) else { return };
                self.status(index, &order, effects);
            }
            R::NotFound { query, client_order_id } => {
                let Some(index) = self.known(client_order_id, effects) else { return };
                self.not_found(index, query, effects);
            }
            R::Busy { retry_after } => self.be_quiet(retry_after, effects),
            R::LinkUp => self.link_came_up(),
            R::LinkDown => self.link_went_down(effects),
            R::Snapshot(snapshot) => self.compare(&snapshot, effects),
        }
    }

    fn known(&mut self, client_order_id: ClientOrderId, effects: &mut Vec<Effect>) -> Option<u32> {
        let index = self.ledger.index(&client_order_id);
        if index.is_none() {
            self.counts.ignored_reports += 1;
            effects.push(Effect::Alert(Alert::NotOurs(client_order_id)));
            self.reconciliation.ask_soon(self.now.monotonic);
        }
        index
    }

    fn watch_open(&mut self, index: u32) {
        if self.ledger.order(index).is_some_and(|order| !order.state.is_closed()) {
            self.watch(index);
        }
    }

    /// The report fits no state of the order: nothing is changed, the venue is asked.
    fn contradiction(&mut self, index: u32, effects: &mut Vec<Effect>) {
        self.counts.ignored_reports += 1;
        let Some(order) = self.ledger.order(index) else { return };
        let (client_order_id, state) = (order.client_order_id, order.state);
        effects.push(Effect::Alert(Alert::Contradiction(client_order_id, state)));
        self.watch_open(index);
        self.reconciliation.ask_soon(self.now.monotonic);
    }

    fn plain(
        &mut self,
        client_order_id: ClientOrderId,
        event: OrderEventKind,
        ts_event: UtcNanos,
        effects: &mut Vec<Effect>,
    ) {
        let Some(index) = self.known(client_order_id, effects) else { return };
        self.see_initialized(index, effects);
        if !self.step(index, event, Reason::Venue, ts_event, effects) {
            self.contradiction(index, effects);
            return;
        }
        let Some(order) = self.ledger.order(index) else { return };
        if order.is_unknown() || order.state.is_closed() {
            return;
        }
        let short = self.watches.get(&index).is_some_and(|watch| watch.short_of_fills > 0);
        if !short {
            self.settle(index);
        }
        self.take_back_again(index, effects);
    }

    /// A report of an order that was never sent by this process: an earlier one did, whatever the log says.
    fn see_initialized(&mut self, index: u32, effects: &mut Vec<Effect>) {
        if self.ledger.order(index).is_some_and(|order| order.state == OrderState::Initialized) {
            self.step(index, OrderEventKind::LoseTrack, Reason::Restart, UtcNanos::default(), effects);
        }
    }

    /// It works although we wanted it back: ask again.
    fn take_back_again(&mut self, index: u32, effects: &mut Vec<Effect>) {
        let Some(order) = self.ledger.order(index) else { return };
        if order.cancel_wanted && !order.state.is_closed() {
            if matches!(order.state, OrderState::PendingCancel { .. }) {
                self.send_cancel(index, effects);
            } else {
                self.want_back(index, Reason::Request, effects);
            }
        }
    }

    fn rejected(&mut self, client_order_id: ClientOrderId, kind: RejectKind, ts: UtcNanos, effects: &mut Vec<Effect>) {
        if let RejectKind::RateLimited { retry_after } = kind {
            self.be_quiet(retry_after, effects);
        }
        let Some(index) = self.known(client_order_id, effects) else { return };
        self.see_initialized(index, effects);
        let Some(order) = self.ledger.order(index) else { return };
        if order.state.is_closed() {
            self.counts.ignored_reports += 1;
        } else if matches!(kind, RejectKind::DuplicateId | RejectKind::TooLate) {
            // This copy of the request was refused; another one may have arrived.
            if order.acknowledged {
                self.watch(index);
            } else {
                self.lose(index, Reason::Venue, effects);
            }
        } else if !self.step(index, OrderEventKind::Reject, Reason::Venue, ts, effects) {
            self.contradiction(index, effects);
        }
    }

    fn ended(
        &mut self,
        client_order_id: ClientOrderId,
        event: OrderEventKind,
        filled: Option<Quantity>,
        ts_event: UtcNanos,
        effects: &mut Vec<Effect>,
    ) {
        let Some(index) = self.known(client_order_id, effects) else { return };
        self.see_initialized(index, effects);
        let Some(order) = self.ledger.order(index) else { return };
        if order.state.is_closed() {
            self.counts.ignored_reports += 1;
        } else if filled.is_some_and(|filled| filled > order.state.filled()) {
            // Fills are still on their way: the order ends when they are booked.
            self.lose(index, Reason::Venue, effects);
            self.reconciliation.ask_soon(self.now.monotonic);
        } else if !self.step(index, event, Reason::Venue, ts_event, effects) {
            self.contradiction(index, effects);
        }
    }

    fn cancel_rejected(
        &mut self,
        client_order_id: ClientOrderId,
        kind: RejectKind,
        ts_event: UtcNanos,
        effects: &mut Vec<Effect>,
    ) {
        if let RejectKind::RateLimited { retry_after } = kind {
            self.be_quiet(retry_after, effects);
        }
        let Some(index) = self.known(client_order_id, effects) else { return };
        let Some(order) = self.ledger.order(index) else { return };
        if order.state.is_closed() {
            self.counts.ignored_reports += 1;
        } else if matches!(kind, RejectKind::RateLimited { .. }) {
            // Not processed: it goes first when the silence is over.
            self.send_cancel(index, effects);
        } else if order.acknowledged {
            self.step(index, OrderEventKind::RejectCancel, Reason::Venue, ts_event, effects);
            self.watch_open(index);
        } else {
            // The cancel may have overtaken the order itself.
            self.lose(index, Reason::Venue, effects);
        }
    }

    fn amended(
        &mut self,
        client_order_id: ClientOrderId,
        quantity: Quantity,
        price: Option<Price>,
        ts_event: UtcNanos,
        effects: &mut Vec<Effect>,
    ) {
        let Some(index) = self.known(client_order_id, effects) else { return };
        let Some(order) = self.ledger.order(index) else { return };
        if quantity <= Quantity::ZERO || price.is_some_and(|price| price <= Price::ZERO) {
            effects.push(Effect::Alert(Alert::Malformed(client_order_id)));
            return;
        }
        if order.state.is_closed() || ts_event < order.venue_ts {
            self.counts.ignored_reports += 1;
            self.watch_open(index);
        } else if !self.step_with(index, OrderEventKind::Amend, Reason::Venue, ts_event, (quantity, price), effects) {
            self.contradiction(index, effects);
        } else if self.ledger.order(index).is_some_and(|order| order.leaves() == Quantity::ZERO) {
            self.lose(index, Reason::Venue, effects);
        }
    }

    pub(super) fn fill(&mut self, fill: &FillReport, reason: Reason, effects: &mut Vec<Effect>) {
        if self.ledger.has_fill(&fill.symbol, &fill.trade_id) {
            self.counts.duplicate_fills += 1;
            return;
        }
        let Some(index) = self.ledger.index(&fill.client_order_id) else {
            self.open(Discrepancy::new(fill.symbol, DiscrepancyKind::UnknownFill(*fill)), effects);
            return;
        };
        self.see_initialized(index, effects);
        self.book(fill, reason, false, effects);
    }

    /// Book a fill of a known order. `false`, and nothing changed, when its amounts cannot be.
    pub(super) fn book(
        &mut self,
        fill: &FillReport,
        reason: Reason,
        synthetic: bool,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(index) = self.ledger.index(&fill.client_order_id) else { return false };
        let Some(order) = self.ledger.order(index) else { return false };
        let before = order.state;
        let amounts = fill.quantity > Quantity::ZERO && (synthetic || fill.price > Price::ZERO);
        let same = fill.side == order.side
            && fill.position_side == order.position_side
            && fill.symbol == self.symbol_of(order)
            && !self.ledger.has_fill(&fill.symbol, &fill.trade_id);
        let room = before.filled().raw().checked_add(fill.quantity.raw()).is_some();
        let event = OrderEventKind::Fill { quantity: fill.quantity, of: order.most() };
        let (true, Ok(after)) = (amounts && same && room, transition(&before, event)) else {
            effects.push(Effect::Alert(Alert::Malformed(fill.client_order_id)));
            self.reconciliation.ask_soon(self.now.monotonic);
            return false;
        };
        let (number, asked, adopted) = (order.events + 1, order.quantity, order.adopted);
        self.commit(Record::Fill(FillRecord { fill: *fill, number, before, after, synthetic, reason }), effects);
        self.counts.fills += 1;
        let now = self.now.monotonic;
        if let Some(state) = self.ledger.symbol_state_mut(index) {
            state.moved = now;
        }
        self.after_change(index, before, effects);
        let over = after.filled() > asked && !adopted;
        if before.is_closed() {
            effects.push(Effect::Alert(Alert::LateFill(fill.client_order_id, fill.trade_id)));
        }
        if over {
            let excess = Quantity::from_raw(after.filled().raw() - asked.raw());
            effects.push(Effect::Alert(Alert::Overfill(fill.client_order_id, excess)));
        }
        if (over || before == OrderState::Rejected) && !self.ledger.reducing {
            self.commit(Record::Switch(Switch::Reduce), effects);
        }
        if before == OrderState::Rejected {
            self.watch_open(index);
        }
        self.cancel_siblings(index, effects);
        true
    }

    /// One of a group has traded: the others are taken back, each once.
    pub(super) fn cancel_siblings(&mut self, index: u32, effects: &mut Vec<Effect>) {
        let Some(group) = self.ledger.order(index).and_then(|order| order.group) else { return };
        let members = self.ledger.group(group).len();
        for place in 0..members {
            let Some(sibling) = self.ledger.group(group).get(place).copied() else { continue };
            let wanted = self.ledger.order(sibling).is_none_or(|order| order.cancel_wanted);
            if sibling != index && !wanted {
                self.want_back(sibling, Reason::Group, effects);
            }
        }
    }

    /// The venue's answer about an order, from a query or a snapshot.
    pub(super) fn status(&mut self, index: u32, venue: &VenueOrder, effects: &mut Vec<Effect>) {
        use OrderEventKind as E;
        let Some(order) = self.ledger.order(index) else { return };
        let (filled, stale) = (order.state.filled(), venue.updated_at < order.venue_ts);
        if order.state.is_closed() || (stale && venue.status == VenueStatus::Working) {
            self.counts.ignored_reports += 1;
            return;
        }
        if venue.filled > filled {
            self.short_of_fills(index, venue, effects);
        }
        let (reason, ts, short) = (Reason::Reconciliation, venue.updated_at, venue.filled > filled);
        match venue.status {
            VenueStatus::Working => self.found_working(index, venue, short, effects),
            _ if short => {}
            VenueStatus::Filled => {
                self.step(index, E::LoseTrack, reason, ts, effects);
                self.step(index, E::Find { filled, of: filled }, reason, ts, effects);
            }
            VenueStatus::Cancelled => {
                self.step(index, E::Cancel, reason, ts, effects);
            }
            VenueStatus::Expired => {
                self.step(index, E::Expire, reason, ts, effects);
            }
            VenueStatus::Rejected => {
                if !self.step(index, E::Reject, reason, ts, effects) {
                    self.lose(index, reason, effects);
                    self.step(index, E::Reject, reason, ts, effects);
                }
            }
        }
    }

    fn found_working(&mut self, index: u32, venue: &VenueOrder, short: bool, effects: &mut Vec<Effect>) {
        use OrderEventKind as E;
        let (reason, ts) = (Reason::Reconciliation, venue.updated_at);
        let Some(order) = self.ledger.order(index) else { return };
        let (state, filled, terms) = (order.state, order.state.filled(), (venue.quantity, venue.price));
        if terms != (order.quantity, order.limit) && venue.quantity > Quantity::ZERO {
            self.step_with(index, E::Amend, reason, ts, terms, effects);
        } else if order.amendment.is_some() && matches!(state, OrderState::Unknown { .. }) {
            // The change was lost, or is not visible yet: its answer or the next look will tell.
            self.step_with(index, E::Amend, reason, ts, terms, effects);
        }
        match state {
            OrderState::Unknown { .. } if venue.quantity > filled => {
                self.step(index, E::Find { filled, of: venue.quantity }, reason, ts, effects);
            }
            OrderState::Submitted => {
                self.step(index, E::Accept, reason, ts, effects);
            }
            _ => {}
        }
        if !short && self.ledger.order(index).is_some_and(|order| !order.is_unknown() && !order.awaits_answer()) {
            self.settle(index);
        }
        self.take_back_again(index, effects);
    }

    /// The venue counts more done than is booked: the fills are asked for; when it never lists them, a person decides.
    fn short_of_fills(&mut self, index: u32, venue: &VenueOrder, effects: &mut Vec<Effect>) {
        self.watch(index);
        self.reconciliation.ask_all(self.now.monotonic);
        let Some(order) = self.ledger.order(index) else { return };
        let (client_order_id, booked, symbol) = (order.client_order_id, order.state.filled(), self.symbol_of(order));
        let Some(watch) = self.watches.get_mut(&index) else { return };
        if watch.short_of_fills == 0 || watch.counted != venue.filled {
            (watch.short_of_fills, watch.counted, watch.short_since) = (0, venue.filled, self.now.monotonic);
        }
        watch.short_of_fills += 1;
        // The list of fills may be behind the count by the venue's lag.
        let settled = watch.short_since.saturating_add(self.config.venue_lag);
        if watch.short_of_fills >= SHORT_ANSWERS && self.reconciliation.listed_all_since(settled) {
            let kind = DiscrepancyKind::FillsMissing { client_order_id, booked, venue: venue.filled };
            self.open(Discrepancy::new(symbol, kind), effects);
        }
    }

    fn not_found(&mut self, index: u32, query: u64, effects: &mut Vec<Effect>) {
        let proof = self.watches.get(&index).and_then(|watch| watch.first_proof);
        let Some(order) = self.ledger.order(index) else { return };
        if !order.is_unknown() || proof.is_none_or(|first| query < first) {
            return;
        }
        let (client_order_id, symbol) = (order.client_order_id, self.symbol_of(order));
        if order.acknowledged {
            // It was there. That the venue forgot it says nothing about what it did.
            self.open(Discrepancy::new(symbol, DiscrepancyKind::Vanished { client_order_id }), effects);
        } else {
            self.step(index, OrderEventKind::Absent, Reason::Reconciliation, UtcNanos::default(), effects);
        }
    }
}
