//! The border of the order manager and the few steps that everything in it is made of.

use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::config::{ManagerConfig, Moment};
use super::effect::{Alert, Denied, Effect, RiskState, Submitted};
use super::hashing::FastMap;
use super::input::{Command, VenueReport};
use super::ledger::Ledger;
use super::order::{LEGS, Order, Reserved};
use super::reconcile::Reconciliation;
use super::record::{Discrepancy, LogEntry, OrderEvent, Reason, Record, ReplayError};
use super::timers::{Due, Watch};
use crate::orders::{OrderEventKind, OrderState, PositionSide, transition};
use crate::risk::Approved;
use crate::types::{ClientOrderId, Price, Quantity, SignedQuantity, Symbol, TradeId, UtcNanos};

/// How often things happened since this process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManagerCounts {
    /// Intents written.
    pub intents: u64,
    /// Orders sent.
    pub sent: u64,
    /// Fills booked.
    pub fills: u64,
    /// Fills that came again and were left out.
    pub duplicate_fills: u64,
    /// Reports that changed nothing.
    pub ignored_reports: u64,
    /// Queries sent.
    pub queries: u64,
}

/// The order manager of one account. See the module's head for its rules.
#[derive(Clone, Debug)]
pub struct OrderManager {
    pub(super) config: ManagerConfig,
    pub(super) ledger: Ledger,
    /// Records that the log did not confirm yet, oldest first.
    pub(super) tail: VecDeque<LogEntry>,
    /// The last record that was given to the log.
    pub(super) offered: u64,
    pub(super) log_failed: bool,
    pub(super) log_retry_at: i64,
    pub(super) now: Moment,
    pub(super) clock_offset: Option<i64>,
    pub(super) link_up: bool,
    /// The venue asked for silence until then (monotonic).
    pub(super) quiet_until: i64,
    /// Answers that are due: (when, order, its event count then), in order of time.
    pub(super) answers: VecDeque<(i64, u32, u32)>,
    /// Orders the venue is asked about.
    pub(super) watches: FastMap<u32, Watch>,
    pub(super) due: BinaryHeap<Due>,
    /// Cancels that wait for the link or for the end of the venue's silence.
    pub(super) waiting_cancels: VecDeque<u32>,
    pub(super) next_query: u64,
    pub(super) reconciliation: Reconciliation,
    pub(super) told_risk: Option<RiskState>,
    pub(super) scratch: Vec<u32>,
    pub(super) counts: ManagerCounts,
}

impl OrderManager {
    /// A manager with an empty log. Call [`OrderManager::start`] next.
    #[must_use]
    pub fn new(config: ManagerConfig) -> Self {
        Self {
            config,
            ledger: Ledger::default(),
            tail: VecDeque::new(),
            offered: 0,
            log_failed: false,
            log_retry_at: 0,
            now: Moment { monotonic: i64::MIN, utc: UtcNanos::default() },
            clock_offset: None,
            link_up: false,
            quiet_until: i64::MIN,
            answers: VecDeque::new(),
            watches: FastMap::default(),
            due: BinaryHeap::new(),
            waiting_cancels: VecDeque::new(),
            next_query: 1,
            reconciliation: Reconciliation::default(),
            told_risk: None,
            scratch: Vec::new(),
            counts: ManagerCounts::default(),
        }
    }

    /// The manager as its log leaves it. Call [`OrderManager::start`] next.
    ///
    /// # Errors
    /// A log that does not hang together; see [`ReplayError`].
    pub fn replay<'a>(
        config: ManagerConfig,
        entries: impl IntoIterator<Item = &'a LogEntry>,
    ) -> Result<Self, ReplayError> {
        let mut manager = Self::new(config);
        for entry in entries {
            manager.ledger.replay(entry)?;
        }
        manager.offered = manager.ledger.last_seq;
        Ok(manager)
    }

    /// Begin: whatever was on its way when the last process ended is unknown now. New orders are refused until the
    /// link is up and the venue was compared with the log.
    pub fn start(&mut self, at: Moment, effects: &mut Vec<Effect>) {
        self.tick(at, effects);
        self.restart(effects);
        self.pump(effects);
    }

    /// Submit an order that passed the gate.
    pub fn submit(&mut self, at: Moment, approved: Approved, effects: &mut Vec<Effect>) -> Submitted {
        self.tick(at, effects);
        let answer = self.take(approved.into_request(), effects);
        self.pump(effects);
        answer
    }

    /// Carry out a command.
    ///
    /// # Errors
    /// Why it was not carried out; nothing was changed then.
    pub fn command(&mut self, at: Moment, command: Command, effects: &mut Vec<Effect>) -> Result<(), Denied> {
        self.tick(at, effects);
        let answer = self.obey(command, effects);
        self.pump(effects);
        answer
    }

    /// Take a message of the venue.
    pub fn report(&mut self, at: Moment, report: VenueReport<'_>, effects: &mut Vec<Effect>) {
        self.tick(at, effects);
        self.take_report(report, effects);
        self.pump(effects);
    }

    /// The time: call it when nothing else happens, at least every 100 ms.
    pub fn timer(&mut self, at: Moment, effects: &mut Vec<Effect>) {
        self.tick(at, effects);
        self.pump(effects);
    }

    /// The log has every record up to and with this one.
    pub fn logged(&mut self, at: Moment, seq: u64, effects: &mut Vec<Effect>) {
        self.tick(at, effects);
        self.confirm(seq, effects);
        self.pump(effects);
    }

    /// The log did not take a record it was offered (full, broken, read-only). Nothing that waits for it is sent.
    pub fn log_failed(&mut self, at: Moment, effects: &mut Vec<Effect>) {
        self.tick(at, effects);
        self.fail_closed(effects);
        self.pump(effects);
    }

    /// An order by its id.
    #[must_use]
    pub fn order(&self, client_order_id: &ClientOrderId) -> Option<&Order> {
        self.ledger.find(client_order_id)
    }

    /// Every order, oldest first.
    #[must_use]
    pub fn orders(&self) -> &[Order] {
        &self.ledger.orders
    }

    /// How many orders are not closed.
    #[must_use]
    pub const fn open_orders(&self) -> usize {
        self.ledger.open_count()
    }

    /// The symbol of an order.
    #[must_use]
    pub fn symbol_of(&self, order: &Order) -> Symbol {
        self.ledger.symbol(order.symbol).map_or(Symbol::EMPTY, |state| state.symbol)
    }

    /// Sum of the signed fills of one leg.
    #[must_use]
    pub fn position(&self, symbol: &Symbol, side: PositionSide) -> SignedQuantity {
        self.ledger.position(symbol, side)
    }

    /// Every position that is not flat, in the order in which their symbols were first traded.
    pub fn positions(&self) -> impl Iterator<Item = (Symbol, PositionSide, SignedQuantity)> + '_ {
        let all = self.ledger.symbols.iter();
        let all = all.flat_map(|state| LEGS.map(|side| (state.symbol, side, state.position(side))));
        all.filter(|(_, _, quantity)| quantity.raw() != 0)
    }

    /// Whether this fill is booked.
    #[must_use]
    pub fn has_fill(&self, symbol: &Symbol, trade_id: &TradeId) -> bool {
        self.ledger.has_fill(symbol, trade_id)
    }

    /// How many fills are booked.
    #[must_use]
    pub fn fills(&self) -> usize {
        self.ledger.fills_count()
    }

    /// What the working orders of one symbol may still take, unknown ones included. O(1).
    #[must_use]
    pub fn reserved_of(&self, symbol: &Symbol) -> Reserved {
        self.ledger.reserved(symbol)
    }

    /// The same for every symbol with working orders: what the gate's account view wants, with [`Reserved::net`].
    #[must_use]
    pub fn reserved(&self) -> BTreeMap<Symbol, Reserved> {
        let all = self.ledger.symbols.iter().map(|state| (state.symbol, state.reserved()));
        all.filter(|(_, reserved)| *reserved != Reserved::default()).collect()
    }

    /// Open disagreements with the venue, by id.
    pub fn discrepancies(&self) -> impl Iterator<Item = &Discrepancy> + '_ {
        self.ledger.discrepancies.values()
    }

    /// What is allowed now.
    #[must_use]
    pub fn risk_state(&self) -> RiskState {
        let halted = self.ledger.killed || self.log_failed || !self.is_reconciled();
        match (halted, self.ledger.reducing) {
            (true, _) => RiskState::Halted,
            (false, true) => RiskState::Reducing,
            (false, false) => RiskState::Active,
        }
    }

    /// Whether the kill switch is on.
    #[must_use]
    pub const fn is_killed(&self) -> bool {
        self.ledger.killed
    }

    /// Whether the venue was compared with the log since the link came up.
    #[must_use]
    pub const fn is_reconciled(&self) -> bool {
        self.link_up && self.reconciliation.done
    }

    /// Records that the log did not confirm yet.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.tail.len()
    }

    /// The number of the last record.
    #[must_use]
    pub const fn last_seq(&self) -> u64 {
        self.ledger.last_seq
    }

    /// A canonical hash of everything that survives a restart. O(orders).
    #[must_use]
    pub fn state_hash(&self) -> u128 {
        self.ledger.state_hash()
    }

    /// How often things happened.
    #[must_use]
    pub const fn counts(&self) -> ManagerCounts {
        self.counts
    }

    pub(super) fn tick(&mut self, at: Moment, effects: &mut Vec<Effect>) {
        // A caller whose "monotonic" clock goes back gets a clock that stands still.
        self.now = Moment { monotonic: at.monotonic.max(self.now.monotonic), utc: at.utc };
        let offset = at.utc.0.saturating_sub(at.monotonic);
        let jump = offset.saturating_sub(*self.clock_offset.get_or_insert(offset));
        if jump.saturating_abs() > self.config.clock_tolerance {
            self.clock_offset = Some(offset);
            effects.push(Effect::Alert(Alert::ClockJump(jump)));
        }
    }

    /// Write a record and apply it.
    pub(super) fn commit(&mut self, record: Record, effects: &mut Vec<Effect>) {
        let seq = self.ledger.last_seq + 1;
        let entry = LogEntry { seq, ts_init: self.now.utc.max(self.ledger.last_ts), record };
        self.ledger.apply(&entry);
        if !self.log_failed {
            self.offered = seq;
            effects.push(Effect::Log(entry.clone()));
        }
        self.tail.push_back(entry);
    }

    /// Take an order one step on. `false`, and nothing changed, when the life cycle has no such step.
    pub(super) fn step(
        &mut self,
        index: u32,
        event: OrderEventKind,
        reason: Reason,
        ts_event: UtcNanos,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let terms = self.ledger.order(index).map(|order| (order.quantity, order.limit)).unwrap_or_default();
        self.step_with(index, event, reason, ts_event, terms, effects)
    }

    pub(super) fn step_with(
        &mut self,
        index: u32,
        event: OrderEventKind,
        reason: Reason,
        ts_event: UtcNanos,
        (quantity, price): (Quantity, Option<Price>),
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(order) = self.ledger.order(index) else { return false };
        let before = order.state;
        let Ok(after) = transition(&before, event) else { return false };
        let (client_order_id, number) = (order.client_order_id, order.events + 1);
        let says_more = matches!(event, OrderEventKind::Accept | OrderEventKind::Amend | OrderEventKind::RequestCancel);
        let tells = says_more || (reason.is_venue() && !order.acknowledged);
        if after == before && !tells {
            return true;
        }
        let ts_event = if reason.is_venue() { ts_event } else { self.now.utc };
        let event = OrderEvent { client_order_id, number, event, before, after, quantity, price, ts_event, reason };
        self.commit(Record::Event(event), effects);
        self.after_change(index, before, effects);
        true
    }

    /// What follows from every change of an order.
    pub(super) fn after_change(&mut self, index: u32, before: OrderState, effects: &mut Vec<Effect>) {
        let (now, timeout) = (self.now.monotonic, self.config.answer_timeout);
        let Some(order) = self.ledger.order_mut(index) else { return };
        order.touched = now;
        let (state, events, awaits) = (order.state, order.events, order.awaits_answer());
        let client_order_id = order.client_order_id;
        if awaits {
            self.answers.push_back((now.saturating_add(timeout), index, events));
        }
        if state.is_closed() {
            self.watches.remove(&index);
        }
        let lost = matches!(state, OrderState::Unknown { .. });
        if lost && !matches!(before, OrderState::Unknown { .. }) {
            effects.push(Effect::Alert(Alert::OrderUnknown(client_order_id)));
            self.watch(index);
        }
        if !self.ledger.discrepancies.is_empty() {
            self.close_by_evidence(index, effects);
        }
    }

    /// The order is out of sight: keep its reservation and ask for it.
    pub(super) fn lose(&mut self, index: u32, reason: Reason, effects: &mut Vec<Effect>) {
        self.step(index, OrderEventKind::LoseTrack, reason, UtcNanos::default(), effects);
        self.watch(index);
    }
}
