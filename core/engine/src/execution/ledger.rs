//! The state that survives a restart. It changes by [`Ledger::apply`] of a record and by nothing else, so a replay of
//! the records is the state.
//!
//! Cost: O(1) a record. Symbols and orders have dense numbers; the maps from names are asked, never iterated.

use std::collections::BTreeMap;

use super::hashing::{FastMap, FastSet, StateHasher};
use super::order::{Order, Reserved, SymbolState, leg};
use super::record::{Adoption, Discrepancy, FillRecord, LogEntry, OrderEvent, Record, ReplayError, Switch};
use crate::orders::{OrderEventKind, OrderRequest, OrderState, PositionSide, transition};
use crate::types::{ClientOrderId, Quantity, SignedQuantity, Symbol, TradeId, UtcNanos};

/// Orders, positions, fills, discrepancies and latches.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) orders: Vec<Order>,
    by_id: FastMap<ClientOrderId, u32>,
    /// Orders that are not closed, in no useful order; each order knows its place.
    open: Vec<u32>,
    pub(super) symbols: Vec<SymbolState>,
    by_symbol: FastMap<Symbol, u32>,
    fills: FastSet<(u32, TradeId)>,
    /// Sum of the fills' hashes, so that the state hash needs no order among them.
    fills_hash: u128,
    groups: Vec<Vec<u32>>,
    by_group: FastMap<ClientOrderId, u32>,
    pub(super) discrepancies: BTreeMap<u64, Discrepancy>,
    pub(super) killed: bool,
    pub(super) reducing: bool,
    pub(super) reconciled_until: UtcNanos,
    /// The venue's clock at the youngest fill.
    pub(super) last_fill_ts: UtcNanos,
    /// Whether a record came after the last reconciliation.
    pub(super) changed: bool,
    /// When the log began, by our clock: older fills of the account are none of ours.
    pub(super) first_ts: Option<UtcNanos>,
    pub(super) last_seq: u64,
    pub(super) last_ts: UtcNanos,
}

impl Ledger {
    pub(super) fn index(&self, client_order_id: &ClientOrderId) -> Option<u32> {
        self.by_id.get(client_order_id).copied()
    }

    pub(super) fn order(&self, index: u32) -> Option<&Order> {
        self.orders.get(index as usize)
    }

    pub(super) fn order_mut(&mut self, index: u32) -> Option<&mut Order> {
        self.orders.get_mut(index as usize)
    }

    pub(super) fn find(&self, client_order_id: &ClientOrderId) -> Option<&Order> {
        self.order(self.index(client_order_id)?)
    }

    /// Open orders, oldest first, in a buffer of the caller.
    pub(super) fn open_into(&self, into: &mut Vec<u32>) {
        into.clear();
        into.extend_from_slice(&self.open);
        into.sort_unstable();
    }

    pub(super) const fn open_count(&self) -> usize {
        self.open.len()
    }

    pub(super) fn symbol_index(&self, symbol: &Symbol) -> Option<u32> {
        self.by_symbol.get(symbol).copied()
    }

    pub(super) fn symbol(&self, index: u32) -> Option<&SymbolState> {
        self.symbols.get(index as usize)
    }

    pub(super) fn symbol_state(&self, symbol: &Symbol) -> Option<&SymbolState> {
        self.symbol(self.symbol_index(symbol)?)
    }

    /// The sums of this order's symbol.
    pub(super) fn symbol_state_mut(&mut self, order: u32) -> Option<&mut SymbolState> {
        let symbol = self.order(order)?.symbol;
        self.symbols.get_mut(symbol as usize)
    }

    fn intern(&mut self, symbol: Symbol) -> u32 {
        let next = u32::try_from(self.symbols.len()).unwrap_or(u32::MAX);
        let index = *self.by_symbol.entry(symbol).or_insert(next);
        if index == next {
            self.symbols.push(SymbolState::new(symbol));
        }
        index
    }

    pub(super) fn has_fill(&self, symbol: &Symbol, trade_id: &TradeId) -> bool {
        self.symbol_index(symbol).is_some_and(|index| self.fills.contains(&(index, *trade_id)))
    }

    pub(super) fn fills_count(&self) -> usize {
        self.fills.len()
    }

    pub(super) fn group(&self, index: u32) -> &[u32] {
        self.groups.get(index as usize).map_or(&[], Vec::as_slice)
    }

    pub(super) const fn groups_count(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn position(&self, symbol: &Symbol, side: PositionSide) -> SignedQuantity {
        self.symbol_state(symbol).map_or(SignedQuantity::ZERO, |state| state.position(side))
    }

    pub(super) fn reserved(&self, symbol: &Symbol) -> Reserved {
        self.symbol_state(symbol).map(SymbolState::reserved).unwrap_or_default()
    }

    /// Apply the record that [`super::OrderManager`] just made: it is known to fit.
    pub(super) fn apply(&mut self, entry: &LogEntry) {
        self.first_ts.get_or_insert(entry.ts_init);
        self.last_seq = entry.seq;
        self.last_ts = entry.ts_init;
        self.changed = true;
        match &entry.record {
            Record::Intent(request) => self.insert(Order::of_request(request), request.symbol, request.oco_group),
            Record::Adopted(adoption) => {
                self.insert(Order::of_adoption(adoption), adoption.order.symbol, ClientOrderId::EMPTY);
            }
            Record::Event(event) => self.step(event),
            Record::Fill(record) => self.book(record),
            Record::Opened(discrepancy) => {
                let symbol = self.intern(discrepancy.symbol);
                if self.discrepancies.insert(discrepancy.id, *discrepancy).is_none()
                    && let Some(state) = self.symbols.get_mut(symbol as usize)
                {
                    state.held += 1;
                }
            }
            Record::Closed { id, .. } => {
                if let Some(discrepancy) = self.discrepancies.remove(id) {
                    let symbol = self.intern(discrepancy.symbol);
                    if let Some(state) = self.symbols.get_mut(symbol as usize) {
                        state.held = state.held.saturating_sub(1);
                    }
                }
            }
            Record::Switch(Switch::Kill) => self.killed = true,
            Record::Switch(Switch::Reduce) => self.reducing = true,
            Record::Switch(Switch::Rearm) => (self.killed, self.reducing) = (false, false),
            Record::Reconciled { until } => {
                self.reconciled_until = *until;
                self.changed = false;
            }
        }
    }

    /// Apply a record of a log, after looking whether it can follow what is there.
    pub(super) fn replay(&mut self, entry: &LogEntry) -> Result<(), ReplayError> {
        if entry.seq != self.last_seq + 1 {
            return Err(ReplayError::Number { last: self.last_seq, found: entry.seq });
        }
        let seq = entry.seq;
        match &entry.record {
            Record::Intent(OrderRequest { client_order_id, .. })
            | Record::Adopted(Adoption { order: super::VenueOrder { client_order_id, .. }, .. })
                if self.index(client_order_id).is_some() =>
            {
                return Err(ReplayError::Twice { seq, what: client_order_id.to_string() });
            }
            Record::Event(event) => {
                self.check_step(seq, event.client_order_id, event.number, event.event, event.before, event.after)?;
            }
            Record::Fill(record) => {
                let fill = &record.fill;
                let of = self.find(&fill.client_order_id).map_or(Quantity::ZERO, Order::most);
                let event = OrderEventKind::Fill { quantity: fill.quantity, of };
                self.check_step(seq, fill.client_order_id, record.number, event, record.before, record.after)?;
                if self.has_fill(&fill.symbol, &fill.trade_id) {
                    return Err(ReplayError::Twice { seq, what: format!("{} {}", fill.symbol, fill.trade_id) });
                }
            }
            _ => {}
        }
        self.apply(entry);
        Ok(())
    }

    fn check_step(
        &self,
        seq: u64,
        client_order_id: ClientOrderId,
        number: u32,
        event: OrderEventKind,
        before: OrderState,
        after: OrderState,
    ) -> Result<(), ReplayError> {
        let order = self.find(&client_order_id).ok_or(ReplayError::NoIntent { seq, client_order_id })?;
        let fits = order.state == before && order.events + 1 == number && transition(&before, event) == Ok(after);
        let (before, after) = (before.as_str(), after.as_str());
        if fits { Ok(()) } else { Err(ReplayError::Step { seq, client_order_id, before, after }) }
    }

    fn insert(&mut self, mut order: Order, symbol: Symbol, group: ClientOrderId) {
        let index = u32::try_from(self.orders.len()).unwrap_or(u32::MAX);
        order.symbol = self.intern(symbol);
        if !group.is_empty() {
            let next = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
            let number = *self.by_group.entry(group).or_insert(next);
            if number == next {
                self.groups.push(Vec::new());
            }
            if let Some(members) = self.groups.get_mut(number as usize) {
                members.push(index);
            }
            order.group = Some(number);
        }
        order.place = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        self.open.push(index);
        self.by_id.insert(order.client_order_id, index);
        self.orders.push(order);
        self.refresh(index, None);
    }

    fn step(&mut self, event: &OrderEvent) {
        let Some(index) = self.index(&event.client_order_id) else { return };
        let Some(order) = self.order_mut(index) else { return };
        let before = order.state;
        order.state = event.after;
        order.events = event.number;
        order.note(event);
        self.refresh(index, Some(before));
    }

    fn book(&mut self, record: &FillRecord) {
        let fill = &record.fill;
        let Some(index) = self.index(&fill.client_order_id) else { return };
        let Some(order) = self.order_mut(index) else { return };
        let before = order.state;
        order.quantity = order.quantity.max(if order.adopted { record.after.filled() } else { Quantity::ZERO });
        order.state = record.after;
        order.events = record.number;
        order.acknowledged = true;
        order.venue_ts = order.venue_ts.max(fill.ts_event);
        self.last_fill_ts = self.last_fill_ts.max(fill.ts_event);
        let Some(order) = self.order(index) else { return };
        let symbol = order.symbol;
        if let Some(state) = self.symbols.get_mut(symbol as usize)
            && let Some(position) = state.positions.get_mut(leg(fill.position_side))
        {
            *position += i128::from(fill.quantity.signed(fill.side.is_buy()).raw());
        }
        let mut hasher = StateHasher::new();
        hasher.text(&fill.symbol);
        hasher.text(&fill.trade_id);
        hasher.signed(fill.quantity.raw());
        hasher.signed(fill.price.raw());
        hasher.signed(fill.fee.raw());
        self.fills_hash = self.fills_hash.wrapping_add(hasher.finish());
        self.refresh(index, Some(before));
        // Last: a fill is marked only once it is applied.
        self.fills.insert((symbol, fill.trade_id));
    }

    /// Bring the sums of the symbol and the list of open orders up to the order's state.
    fn refresh(&mut self, index: u32, before: Option<OrderState>) {
        let Some(order) = self.orders.get_mut(index as usize) else { return };
        let (old, new) = (order.reserved, order.to_reserve());
        order.reserved = new;
        if let Some(state) = self.symbols.get_mut(order.symbol as usize) {
            state.move_reserved(order.side, old, new);
            match (before.is_some_and(|state| is_unknown(&state)), order.is_unknown()) {
                (false, true) => state.unknown += 1,
                (true, false) => state.unknown = state.unknown.saturating_sub(1),
                _ => {}
            }
        }
        let (closed, place) = (order.state.is_closed(), order.place);
        let was_closed = before.is_some_and(|state| state.is_closed());
        if closed && !was_closed {
            let last = self.open.pop();
            if let Some(last) = last.filter(|last| *last != index) {
                if let Some(slot) = self.open.get_mut(place as usize) {
                    *slot = last;
                }
                if let Some(moved) = self.orders.get_mut(last as usize) {
                    moved.place = place;
                }
            }
        } else if !closed && was_closed {
            // A late fill of an order that was taken for rejected: it lives again.
            order.place = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
            self.open.push(index);
        }
    }

    /// A canonical hash of everything that survives a restart.
    pub(super) fn state_hash(&self) -> u128 {
        let mut hasher = StateHasher::new();
        for order in &self.orders {
            order.hash(&mut hasher);
        }
        for symbol in &self.symbols {
            symbol.hash(&mut hasher);
        }
        hasher.word(self.fills.len() as u64);
        hasher.text(&format!("{:032x}", self.fills_hash));
        for id in self.discrepancies.keys() {
            hasher.word(*id);
        }
        hasher.word(u64::from(self.killed) | u64::from(self.reducing) << 1 | u64::from(self.changed) << 2);
        hasher.signed(self.reconciled_until.0);
        hasher.signed(self.last_ts.0);
        hasher.word(self.last_seq);
        hasher.finish()
    }
}

pub(super) const fn is_unknown(state: &OrderState) -> bool {
    matches!(state, OrderState::Unknown { .. })
}
