//! The venue's word against the log's: snapshots of open orders, fills and positions.
//!
//! A snapshot is older than the news that came while it was made, so it does not judge an order that something
//! happened to within `venue_lag` of the request. A position is called different only by two answers further apart
//! than that lag, the second one with all fills, between which and shortly before which ours did not move: every fill
//! that the first one counted is in the second one's list, so no fill explains the difference.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::{Alert, Effect};
use super::input::{Snapshot, VenueOrder, VenuePosition};
use super::manager::OrderManager;
use super::order::LEGS;
use super::record::{Discrepancy, DiscrepancyKind, Reason, Record};
use crate::orders::PositionSide;
use crate::types::{ClientOrderId, Price, SignedQuantity, Symbol, UtcNanos};

/// A snapshot that was asked for.
#[derive(Clone, Copy, Debug)]
struct Request {
    snapshot: u64,
    /// When (monotonic).
    sent: i64,
    /// Whether all fills since the log began were asked for.
    all: bool,
    /// The venue's clock as far as it was known then.
    venue_ts: UtcNanos,
}

/// A position that differs and may yet turn out to be a fill on its way.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    /// The venue's minus ours; 128 bits hold every difference of sums.
    difference: i128,
    ours: SignedQuantity,
    /// When the answer that showed it first came (monotonic).
    since: i64,
}

/// Where the comparison stands. Nothing of it survives a restart: a new process compares anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Reconciliation {
    /// The venue was compared since the link came up.
    pub(super) done: bool,
    waiting: Option<Request>,
    last: u64,
    /// When the next one is due (monotonic).
    next: i64,
    /// The next one asks for all fills.
    all: bool,
    /// When the last answer with all fills had been asked for.
    listed_all: Option<i64>,
    /// Positions that differed in the last answer.
    suspects: BTreeMap<(Symbol, PositionSide), Suspect>,
}

impl Reconciliation {
    /// Compare soon.
    pub(super) fn ask_soon(&mut self, now: i64) {
        self.next = self.next.min(now);
    }

    /// Compare soon, against all fills.
    pub(super) fn ask_all(&mut self, now: i64) {
        self.all = true;
        self.ask_soon(now);
    }

    /// Whether an answer with all fills was asked for after `moment`.
    pub(super) fn listed_all_since(&self, moment: i64) -> bool {
        self.listed_all.is_some_and(|listed| listed > moment)
    }
}

impl OrderManager {
    pub(super) fn link_came_up(&mut self) {
        self.link_up = true;
        self.reconciliation.done = false;
        self.reconciliation.waiting = None;
        self.reconciliation.suspects.clear();
        self.reconciliation.next = self.now.monotonic;
    }

    pub(super) fn link_went_down(&mut self, effects: &mut Vec<Effect>) {
        self.link_up = false;
        self.reconciliation.done = false;
        self.reconciliation.waiting = None;
        let open = self.open_orders_now();
        for index in open.iter().copied() {
            if self.ledger.order(index).is_some_and(super::Order::awaits_answer) {
                self.lose(index, Reason::LinkLost, effects);
            }
        }
        self.scratch = open;
    }

    pub(super) fn ask_snapshot(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.monotonic;
        if self.reconciliation.waiting.is_some_and(|request| now < request.sent + self.config.snapshot_timeout)
            || now < self.reconciliation.next
        {
            return;
        }
        let state = &mut self.reconciliation;
        state.last += 1;
        let all = state.all || self.ledger.reconciled_until == UtcNanos::default();
        let venue_ts = self.ledger.last_fill_ts;
        state.waiting = Some(Request { snapshot: state.last, sent: now, all, venue_ts });
        // Asked again at the time-out, unless the answer sets a later time.
        state.next = now;
        let since = if all { self.ledger.first_ts.unwrap_or(self.now.utc) } else { self.ledger.reconciled_until };
        let fills_since = UtcNanos(since.0.saturating_sub(self.config.fills_overlap).max(0));
        effects.push(Effect::RequestSnapshot { snapshot: state.last, fills_since });
    }

    pub(super) fn compare(&mut self, snapshot: &Snapshot<'_>, effects: &mut Vec<Effect>) {
        let Some(request) = self.reconciliation.waiting.filter(|request| request.snapshot == snapshot.snapshot) else {
            return;
        };
        self.reconciliation.waiting = None;
        self.reconciliation.all = false;
        let now = self.now.monotonic;
        self.reconciliation.next = now.saturating_add(self.config.reconcile_every);
        if request.all {
            self.reconciliation.listed_all = Some(request.sent);
        }
        for fill in snapshot.fills {
            self.fill(fill, Reason::Reconciliation, effects);
        }
        // News that is younger than this may be missing in the answer.
        let settled = request.sent.saturating_sub(self.config.venue_lag);
        for row in snapshot.orders {
            self.compare_row(row, request.snapshot, settled, effects);
        }
        self.compare_missing(request.snapshot, settled, effects);
        self.close_gone(snapshot, effects);
        let agreed = self.compare_positions(snapshot.positions, request, settled, effects);
        if !agreed {
            self.reconciliation.ask_all(now.saturating_add(self.config.venue_lag.min(self.config.reconcile_every)));
        } else {
            self.reconciliation.done = true;
            if self.ledger.changed && self.reconciliation.suspects.is_empty() && self.ledger.discrepancies.is_empty() {
                self.commit(Record::Reconciled { until: request.venue_ts }, effects);
            }
        }
    }

    fn compare_row(&mut self, row: &VenueOrder, snapshot: u64, settled: i64, effects: &mut Vec<Effect>) {
        let Some(index) = self.ledger.index(&row.client_order_id) else {
            self.open(Discrepancy::new(row.symbol, DiscrepancyKind::UnknownOrder(*row)), effects);
            return;
        };
        let Some(order) = self.ledger.order_mut(index) else { return };
        order.seen = snapshot;
        if !order.state.is_closed() {
            self.status(index, row, effects);
        } else if row.updated_at >= order.venue_ts && order.touched < settled && !order.foreign {
            let (client_order_id, symbol) = (row.client_order_id, row.symbol);
            self.open(Discrepancy::new(symbol, DiscrepancyKind::OpenThere(*row)), effects);
            // Ours, and over: whatever works there must not.
            effects.push(Effect::SendCancel { client_order_id, symbol });
        }
    }

    /// Orders that are open here and not in the list.
    fn compare_missing(&mut self, snapshot: u64, settled: i64, effects: &mut Vec<Effect>) {
        let open = self.open_orders_now();
        for index in open.iter().copied() {
            let Some(order) = self.ledger.order(index) else { continue };
            let judged = order.acknowledged && !order.is_unknown() && order.touched < settled;
            if judged && order.seen != snapshot && !order.state.is_closed() {
                let (client_order_id, symbol) = (order.client_order_id, self.symbol_of(order));
                self.open(Discrepancy::new(symbol, DiscrepancyKind::MissingAtVenue { client_order_id }), effects);
                self.lose(index, Reason::MissingAtVenue, effects);
            }
        }
        self.scratch = open;
    }

    /// Orders that were shown as unknown or zombie and are not in the list any more.
    fn close_gone(&mut self, snapshot: &Snapshot<'_>, effects: &mut Vec<Effect>) {
        if self.ledger.discrepancies.is_empty() {
            return;
        }
        let listed: BTreeSet<ClientOrderId> = snapshot.orders.iter().map(|order| order.client_order_id).collect();
        let gone = |discrepancy: &&Discrepancy| match &discrepancy.kind {
            DiscrepancyKind::UnknownOrder(order) | DiscrepancyKind::OpenThere(order) => {
                !listed.contains(&order.client_order_id)
            }
            _ => false,
        };
        let gone: Vec<u64> = self.ledger.discrepancies.values().filter(gone).map(|gone| gone.id).collect();
        for id in gone {
            self.close(id, Reason::Reconciliation, effects);
        }
    }

    /// What the venue holds more than we do, where that is not nothing.
    fn position_differences(&self, positions: &[VenuePosition]) -> BTreeMap<(Symbol, PositionSide), (i128, Price)> {
        let mut venue: BTreeMap<(Symbol, PositionSide), (i128, Price)> = BTreeMap::new();
        for position in positions {
            let key = (position.symbol, position.position_side);
            venue.insert(key, (i128::from(position.quantity.raw()), position.average_price));
        }
        for state in &self.ledger.symbols {
            for (side, held) in LEGS.iter().zip(state.positions).filter(|(_, held)| *held != 0) {
                venue.entry((state.symbol, *side)).or_insert((0, Price::ZERO)).0 -= held;
            }
        }
        venue.retain(|_, (difference, _)| *difference != 0);
        venue
    }

    /// `true` when every position is equal or its difference is shown.
    fn compare_positions(
        &mut self,
        positions: &[VenuePosition],
        request: Request,
        settled: i64,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let mut shown = BTreeSet::new();
        let mut suspects = BTreeMap::new();
        let mut agreed = true;
        for ((symbol, position_side), (difference, average_price)) in self.position_differences(positions) {
            if self.has_unknown_fills(&symbol) {
                // Shown already, and held: what is left once those fills are booked is the difference.
                continue;
            }
            let ours = self.ledger.position(&symbol, position_side);
            let there = i64::try_from(i128::from(ours.raw()) + difference).unwrap_or_default();
            let there = SignedQuantity::from_raw(there);
            let kind = DiscrepancyKind::PositionDiffers { position_side, ours, venue: there, average_price };
            let discrepancy = Discrepancy::new(symbol, kind);
            let quiet = self.ledger.symbol_state(&symbol).is_none_or(|state| state.moved < settled);
            let before = self.reconciliation.suspects.get(&(symbol, position_side)).copied();
            let before = before.filter(|before| before.difference == difference && before.ours == ours);
            let since = before.map_or(self.now.monotonic, |before| before.since);
            if self.ledger.discrepancies.contains_key(&discrepancy.id) || (request.all && since <= settled) {
                shown.insert(discrepancy.id);
                self.open(discrepancy, effects);
            } else {
                agreed = false;
            }
            if quiet {
                suspects.insert((symbol, position_side), Suspect { difference, ours, since });
            }
        }
        self.reconciliation.suspects = suspects;
        let differs = |discrepancy: &&Discrepancy| matches!(discrepancy.kind, DiscrepancyKind::PositionDiffers { .. });
        let over = self.ledger.discrepancies.values().filter(differs).map(|over| over.id);
        let over: Vec<u64> = over.filter(|id| !shown.contains(id)).collect();
        for id in over {
            self.close(id, Reason::Reconciliation, effects);
        }
        agreed
    }

    fn has_unknown_fills(&self, symbol: &Symbol) -> bool {
        let unknown = |kind: &DiscrepancyKind| matches!(kind, DiscrepancyKind::UnknownFill(_));
        self.ledger.discrepancies.values().any(|known| known.symbol == *symbol && unknown(&known.kind))
    }

    /// Show a disagreement, once.
    pub(super) fn open(&mut self, discrepancy: Discrepancy, effects: &mut Vec<Effect>) {
        if !self.ledger.discrepancies.contains_key(&discrepancy.id) {
            self.commit(Record::Opened(discrepancy), effects);
            effects.push(Effect::Alert(Alert::Discrepancy(discrepancy)));
        }
    }

    pub(super) fn close(&mut self, id: u64, by: Reason, effects: &mut Vec<Effect>) {
        if self.ledger.discrepancies.contains_key(&id) {
            self.commit(Record::Closed { id, by }, effects);
        }
    }

    /// What the new state of this order proves.
    pub(super) fn close_by_evidence(&mut self, index: u32, effects: &mut Vec<Effect>) {
        use DiscrepancyKind as K;
        let Some(order) = self.ledger.order(index) else { return };
        let (client_order_id, unknown, filled) = (order.client_order_id, order.is_unknown(), order.state.filled());
        let proven = |discrepancy: &&Discrepancy| match &discrepancy.kind {
            K::MissingAtVenue { client_order_id: id } | K::Vanished { client_order_id: id } => {
                *id == client_order_id && !unknown
            }
            K::FillsMissing { client_order_id: id, venue, .. } => *id == client_order_id && filled >= *venue,
            K::UnknownFill(fill) => self.ledger.has_fill(&fill.symbol, &fill.trade_id),
            K::UnknownOrder(order) => order.client_order_id == client_order_id,
            K::OpenThere(_) | K::PositionDiffers { .. } => false,
        };
        let proven: Vec<u64> = self.ledger.discrepancies.values().filter(proven).map(|proven| proven.id).collect();
        for id in proven {
            self.close(id, Reason::Reconciliation, effects);
        }
    }
}
