//! What a person does from outside: quarantine, halts, backfill, notes of the book.

use super::symbol::Outcome;
use super::{Processor, ProcessorError};
use crate::stream::event::{SymbolId, Trade};
use crate::stream::output::{EventKind, EventRow, Output, Reason, flags};
use crate::stream::quality::{Kept, Quarantine};
use crate::types::UtcNanos;

/// Say what became of a trade in quarantine.
pub(super) fn report(kept: &Kept, kind: EventKind, out: &mut Output) {
    let trade = &kept.trade;
    let mut event = EventRow::new(trade.symbol, kind, trade.ts_event.0, trade.ts_init.0);
    (event.from, event.to, event.reason) = (trade.trade_id, kept.key, kept.reason);
    (event.price, event.quantity) = (trade.price.raw(), trade.quantity.raw());
    out.event(&event);
}

impl Processor {
    /// The trades kept aside.
    #[must_use]
    pub const fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    /// Let a trade out of the quarantine into the bars, whatever it was kept for; [`Outcome::Late`] when its bars are
    /// closed for good.
    ///
    /// # Errors
    /// [`ProcessorError::NoSuchKey`].
    pub fn release(&mut self, key: u64) -> Result<Outcome, ProcessorError> {
        let kept = self.quarantine.remove(key).ok_or(ProcessorError::NoSuchKey(key))?;
        report(&kept, EventKind::Released, &mut self.out);
        let tick = kept.tick;
        let Some((state, mut shared)) = self.at(kept.trade.symbol) else {
            return Ok(Outcome::Bad(Reason::UnknownSymbol));
        };
        state.counters.released += 1;
        state.counters.trades.quarantined -= 1;
        let outcome = state.settle(&tick, flags::RELEASED, &mut shared);
        state.show(tick.ts_init, &mut shared);
        Ok(outcome)
    }

    /// Throw a trade in quarantine away; it stays counted.
    ///
    /// # Errors
    /// [`ProcessorError::NoSuchKey`].
    pub fn discard(&mut self, key: u64) -> Result<(), ProcessorError> {
        let kept = self.quarantine.remove(key).ok_or(ProcessorError::NoSuchKey(key))?;
        report(&kept, EventKind::Discarded, &mut self.out);
        if let Some((state, _)) = self.at(kept.trade.symbol) {
            state.counters.discarded += 1;
        }
        Ok(())
    }

    /// Trading of a symbol halted or resumed at `ts`: trades of a halted symbol go into quarantine.
    pub fn set_halted(&mut self, symbol: SymbolId, halted: bool, ts: UtcNanos) {
        let Some((state, shared)) = self.at(symbol) else { return };
        if state.halted == halted {
            return;
        }
        state.halted = halted;
        let mut event = EventRow::new(symbol, EventKind::Status, ts.0, ts.0);
        event.value = i64::from(halted);
        shared.out.event(&event);
    }

    /// A book was found broken and asks for a new snapshot; `last_good` is the last update id that fitted.
    pub fn note_resync(&mut self, symbol: SymbolId, reason: Reason, last_good: u64, ts: UtcNanos) {
        let mut event = EventRow::new(symbol, EventKind::Resync, ts.0, ts.0);
        (event.reason, event.from) = (reason, last_good);
        self.out.event(&event);
    }

    /// Take trades in that the venue was asked for after a gap. They are worked on as any other trade, but a bar that
    /// several of them change is given out once. What became of each, in order.
    pub fn backfill(&mut self, trades: &[Trade]) -> Vec<Outcome> {
        let outcomes = trades.iter().map(|trade| self.trade(trade, false)).collect();
        let last = trades.iter().map(|trade| trade.ts_init.0).max().unwrap_or_default();
        let symbols = (0..).map(SymbolId).take(self.states.len());
        for symbol in symbols {
            if let Some((state, mut shared)) = self.at(symbol) {
                state.show(last, &mut shared);
            }
        }
        outcomes
    }
}
