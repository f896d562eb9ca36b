//! Arrival: symbol, form, time, id.

use super::config::ProcessorConfig;
use super::counters::Counts;
use super::symbol::{Outcome, Shared, SymbolState, surroundings};
use super::{Kind, Processor};
use crate::stream::candles::Surroundings;
use crate::stream::event::{SymbolId, Trade};
use crate::stream::output::{EventKind, EventRow, Reason};
use crate::stream::parse::TradeIds;
use crate::stream::quality::{Alarm, Sighting, Spoken, Tick};
use crate::types::UtcNanos;

/// The year 2200: later times are of a wrong unit.
const LATEST: i64 = 7_258_118_400_000_000_000;

impl Processor {
    /// A trade; with `show`, revised bars are given out at once.
    #[inline]
    pub(super) fn trade(&mut self, trade: &Trade, show: bool) -> Outcome {
        let tick_size = self.symbols.get(trade.symbol.0 as usize).and_then(|terms| terms.tick_size);
        let arrival = self.arrivals;
        self.arrivals += 1;
        let Some((state, mut shared)) = self.at(trade.symbol) else {
            return self.stranger(trade.symbol, (trade.ts_event, trade.ts_init));
        };
        let order = match shared.config.trade_ids {
            TradeIds::Opaque => arrival,
            TradeIds::Consecutive | TradeIds::Rising => trade.trade_id,
        };
        let tick = Tick::of(trade, order);
        state.counters.trades.received += 1;
        state.heard(tick.ts_event, tick.ts_init, &mut shared);
        let reason = if let Some(reason) = time(tick.ts_event, tick.ts_init, state, shared.config) {
            Some(reason)
        } else if tick.price <= 0 {
            Some(Reason::Price)
        } else if tick.quantity <= 0 {
            Some(Reason::Quantity)
        } else if tick_size.is_some_and(|size| size.raw() > 0 && tick.price % size.raw() != 0) {
            Some(Reason::OffGrid)
        } else {
            None
        };
        let outcome = match reason {
            Some(reason) => state.bad_trade(&tick, reason, &mut shared),
            None => state.look(&tick, &mut shared),
        };
        if show {
            state.show(tick.ts_init, &mut shared);
        }
        debug_assert!(state.counters.reconciles(), "{:?}", state.counters);
        outcome
    }

    /// Any other message of a symbol.
    pub(super) fn checked(
        &mut self,
        symbol: SymbolId,
        kind: Kind,
        times: (UtcNanos, UtcNanos),
        work: impl FnOnce(&mut SymbolState, &mut Shared<'_>) -> Outcome,
    ) -> Outcome {
        let Some((state, mut shared)) = self.at(symbol) else { return self.stranger(symbol, times) };
        state.counts(kind).received += 1;
        let (ts_event, ts_init) = (times.0.0, times.1.0);
        state.heard(ts_event, ts_init, &mut shared);
        if let Some(reason) = time(ts_event, ts_init, state, shared.config) {
            state.counts(kind).bad += 1;
            let event = EventRow::new(symbol, EventKind::Bad, ts_event, ts_init);
            shared.out.event(&EventRow { reason, ..event });
            return Outcome::Bad(reason);
        }
        let outcome = work(state, &mut shared);
        debug_assert!(state.counters.reconciles(), "{:?}", state.counters);
        outcome
    }

    /// A message about a symbol that is not one of this processor's.
    #[cold]
    fn stranger(&mut self, symbol: SymbolId, times: (UtcNanos, UtcNanos)) -> Outcome {
        self.unknown.received += 1;
        self.unknown.bad += 1;
        let event = EventRow::new(symbol, EventKind::Bad, times.0.0, times.1.0);
        self.out.event(&EventRow { reason: Reason::UnknownSymbol, ..event });
        Outcome::Bad(Reason::UnknownSymbol)
    }
}

/// Whether the times of a message can be.
#[inline]
fn time(ts_event: i64, ts_init: i64, state: &SymbolState, config: &ProcessorConfig) -> Option<Reason> {
    if !(0..LATEST).contains(&ts_event) || !(0..LATEST).contains(&ts_init) {
        return Some(Reason::Time);
    }
    state.skew.future(ts_event - ts_init, config.most_future).then_some(Reason::Future)
}

impl SymbolState {
    const fn counts(&mut self, kind: Kind) -> &mut Counts {
        match kind {
            Kind::Quote => &mut self.counters.quotes,
            Kind::Depth => &mut self.counters.depth,
            Kind::VenueBar => &mut self.counters.venue_bars,
        }
    }

    /// A message of any kind came: silence and clocks.
    #[inline]
    fn heard(&mut self, ts_event: i64, ts_init: i64, shared: &mut Shared<'_>) {
        if let Some(Spoken { silence, median }) = self.silence.heard(ts_init) {
            let mut event = EventRow::new(shared.symbol, EventKind::Resumed, ts_event, ts_init);
            (event.value, event.from) = (silence, median.unsigned_abs());
            shared.out.event(&event);
        }
        if ts_event == ts_init {
            // A message without a time of the venue carries ours: it says nothing about clocks.
            return;
        }
        let (most, alarm) = (shared.config.most_future, shared.config.skew_alarm);
        if let Some(change) = self.skew.take(ts_event.saturating_sub(ts_init), most, alarm) {
            let kind = match change {
                Alarm::Raised => EventKind::ClockSkew,
                Alarm::Cleared => EventKind::ClockAgreed,
            };
            let mut event = EventRow::new(shared.symbol, kind, ts_event, ts_init);
            event.value = self.skew.estimate();
            shared.out.event(&event);
        }
    }

    #[cold]
    fn bad_trade(&mut self, tick: &Tick, reason: Reason, shared: &mut Shared<'_>) -> Outcome {
        self.counters.trades.bad += 1;
        let mut event = EventRow::new(shared.symbol, EventKind::Bad, tick.ts_event, tick.ts_init);
        (event.reason, event.from, event.price, event.quantity) = (reason, tick.id, tick.price, tick.quantity);
        shared.out.event(&event);
        Outcome::Bad(reason)
    }

    /// By its id: new, late, repeated, or of a new start.
    #[inline]
    fn look(&mut self, tick: &Tick, shared: &mut Shared<'_>) -> Outcome {
        let gaps = &self.gaps;
        match self.seen.look(tick, tick.ts_event > self.newest, shared.config.trade_ids, |id| gaps.misses(id)) {
            Sighting::New | Sighting::Missing => self.arrive(tick, shared),
            Sighting::Repeated => {
                self.counters.trades.duplicate += 1;
                Outcome::Duplicate
            }
            Sighting::Conflict => self.quarantine(*tick, Reason::Conflict, shared),
            Sighting::Forgotten => {
                self.late(tick, shared);
                Outcome::Late
            }
            Sighting::Reset(last) => {
                self.restart(last, tick, shared);
                self.arrive(tick, shared)
            }
        }
    }

    /// The venue counts anew: what waits under old ids is not mixed with the new ones.
    #[cold]
    fn restart(&mut self, last: u64, tick: &Tick, shared: &mut Shared<'_>) {
        self.watermark = self.watermark.max(self.newest.saturating_add(1));
        self.drain(shared);
        self.gaps.restart();
        self.frames.gaps_changed(i64::MIN, &surroundings!(self, shared));
        self.counters.id_resets += 1;
        let mut event = EventRow::new(shared.symbol, EventKind::IdReset, tick.ts_event, tick.ts_init);
        (event.from, event.to) = (last, tick.id);
        shared.out.event(&event);
    }
}
