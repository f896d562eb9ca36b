//! What is due: overdue answers, queries with backoff, cancels that waited, snapshots, the log's second chance.

use std::cmp::Reverse;

use super::effect::{Alert, Effect};
use super::hashing::jitter;
use super::manager::OrderManager;
use super::record::Reason;
use crate::types::Quantity;

/// An order the venue is asked about until its answer agrees with what is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    /// Queries sent.
    pub(super) attempts: u32,
    /// When the next one is due (monotonic).
    pub(super) next: i64,
    /// The first query that left after the horizon: a "not found" to it or a later one is proof.
    pub(super) first_proof: Option<u64>,
    /// Answers in a row that counted more done than is booked, and the same.
    pub(super) short_of_fills: u32,
    /// How much they counted.
    pub(super) counted: Quantity,
    /// When the first of them came (monotonic).
    pub(super) short_since: i64,
}

/// When an order's query is due; entries of watches that moved on are skipped.
pub(super) type Due = Reverse<(i64, u32)>;

impl OrderManager {
    /// Ask for this order, at once if it is not being asked for already.
    pub(super) fn watch(&mut self, index: u32) {
        let next = self.now.monotonic;
        self.watches.entry(index).or_insert_with(|| {
            self.due.push(Reverse((next, index)));
            Watch { next, ..Watch::default() }
        });
    }

    /// The venue's word agrees with ours: no more questions, unless we still want the order back.
    pub(super) fn settle(&mut self, index: u32) {
        let keeps_asking =
            self.ledger.order(index).is_some_and(|order| order.cancel_wanted && !order.state.is_closed());
        if !keeps_asking {
            self.watches.remove(&index);
        }
    }

    /// Do everything that is due. O(1) when nothing is.
    pub(super) fn pump(&mut self, effects: &mut Vec<Effect>) {
        self.lose_overdue(effects);
        self.retry_log(effects);
        if self.link_up && self.now.monotonic >= self.quiet_until {
            // Cancels first: they never stand behind a question.
            self.flush_cancels(effects);
            self.ask_due(effects);
            self.ask_snapshot(effects);
        }
        self.tell_risk(effects);
    }

    fn lose_overdue(&mut self, effects: &mut Vec<Effect>) {
        while let Some((deadline, index, events)) = self.answers.front().copied() {
            if deadline > self.now.monotonic {
                break;
            }
            self.answers.pop_front();
            let overdue = self.ledger.order(index).is_some_and(|order| order.events == events && order.awaits_answer());
            if overdue {
                self.lose(index, Reason::Timeout, effects);
            }
        }
    }

    fn ask_due(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.monotonic;
        while let Some(Reverse((at, index))) = self.due.peek().copied() {
            if at > now {
                break;
            }
            self.due.pop();
            let Some(watch) = self.watches.get_mut(&index).filter(|watch| watch.next == at) else { continue };
            let Some(order) = self.ledger.order(index) else { continue };
            let query = self.next_query;
            self.next_query += 1;
            if now >= order.sent.saturating_add(self.config.absence_horizon) {
                watch.first_proof.get_or_insert(query);
            }
            let doubled = self.config.first_query_pause.saturating_mul(1 << watch.attempts.min(20));
            let pause = doubled.clamp(1, self.config.longest_query_pause.max(1));
            // Up to a quarter more, so that many lost orders do not ask in step.
            let spread = jitter(self.config.seed, query) % (pause.unsigned_abs() / 4 + 1);
            watch.attempts = watch.attempts.saturating_add(1);
            watch.next = now.saturating_add(pause).saturating_add_unsigned(spread);
            self.due.push(Reverse((watch.next, index)));
            let client_order_id = order.client_order_id;
            let symbol = self.symbol_of(order);
            self.counts.queries += 1;
            effects.push(Effect::Query { query, client_order_id, symbol });
        }
    }

    fn flush_cancels(&mut self, effects: &mut Vec<Effect>) {
        while let Some(index) = self.waiting_cancels.pop_front() {
            let Some(order) = self.ledger.order(index) else { continue };
            if !order.state.is_closed() {
                let (client_order_id, symbol) = (order.client_order_id, self.symbol_of(order));
                effects.push(Effect::SendCancel { client_order_id, symbol });
            }
        }
    }

    /// The venue wants silence.
    pub(super) fn be_quiet(&mut self, retry_after: i64, effects: &mut Vec<Effect>) {
        let until = self.now.monotonic.saturating_add(retry_after.max(0));
        if until > self.quiet_until {
            self.quiet_until = until;
            effects.push(Effect::Alert(Alert::RateLimited(retry_after)));
        }
    }

    fn retry_log(&mut self, effects: &mut Vec<Effect>) {
        if !self.log_failed || self.now.monotonic < self.log_retry_at {
            return;
        }
        self.log_retry_at = self.now.monotonic.saturating_add(self.config.log_retry_pause.max(1));
        effects.extend(self.tail.iter().cloned().map(Effect::Log));
        self.offered = self.ledger.last_seq;
        if self.tail.is_empty() {
            self.log_recovered(effects);
        }
    }

    pub(super) fn log_recovered(&mut self, effects: &mut Vec<Effect>) {
        self.log_failed = false;
        effects.push(Effect::Alert(Alert::LogRecovered));
    }

    fn tell_risk(&mut self, effects: &mut Vec<Effect>) {
        let state = self.risk_state();
        if self.told_risk != Some(state) {
            self.told_risk = Some(state);
            effects.push(Effect::RiskState(state));
        }
    }
}
