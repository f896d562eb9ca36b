//! The stream processor: events of a market in, checked trades, bars, indicator values and rare events out.
//!
//! A trade is checked for form and time, looked up by its id, put in the order of time, tried for a spike, and enters the
//! bars of its symbol ([`quality`](crate::stream::quality), `candles`). Whatever happens is counted exactly ([`Counters`])
//! and, when rare, said in an event.
//!
//! Invariants: pure and deterministic: the same calls give the same output, bit for bit, wherever batches are cut, and
//! times are given by the caller. `received = ok + duplicate + late + bad + quarantined + waiting` for every kind of message
//! at any time. Nothing is allocated a trade; memory is bounded by the settings. O(1) a trade in order.

mod aside;
mod books;
mod checks;
mod config;
mod counters;
mod quotes;
mod saved;
mod symbol;

pub use books::BookPlan;
pub use config::{BarKind, BarPlan, EmptyBars, ProcessorConfig, ProcessorError, SpikeRule, SymbolTerms};
pub use counters::{Counters, Counts};
pub use symbol::Outcome;

use symbol::{Shared, SymbolState, surroundings};

use super::candles::{FrameTerms, Studies, Surroundings};
use super::depth_sync::DepthSync;
use super::event::{Event, SymbolId};
use super::output::{BarRow, Batch, EventKind, EventRow, Output, OutputCounters, OutputFull, Reason};
use super::quality::{Quarantine, Spoken, Tick};
use crate::types::{Price, Quantity, UtcNanos};

/// Works on the streams of a fixed set of symbols.
pub struct Processor {
    config: ProcessorConfig,
    symbols: Vec<SymbolTerms>,
    frames: Vec<FrameTerms>,
    information: Vec<(u16, BarKind)>,
    states: Vec<SymbolState>,
    /// Of each symbol, by place among the configured bars.
    studies: Vec<Vec<Option<Studies>>>,
    quarantine: Quarantine,
    out: Output,
    /// Messages about nobody known, and those that could not be read.
    unknown: Counts,
    /// Messages without market data.
    service: u64,
    scratch: Vec<Tick>,
    /// By symbol; none where no book is kept.
    books: Vec<Option<DepthSync>>,
    /// Trades that came: orders those of one time whose ids do not.
    arrivals: u64,
}

impl Processor {
    /// Before the first event.
    ///
    /// # Errors
    /// A setting out of bounds, a symbol or bars twice, an indicator that cannot be streamed.
    pub fn new(config: ProcessorConfig, symbols: Vec<SymbolTerms>) -> Result<Self, ProcessorError> {
        config.check()?;
        for (place, terms) in symbols.iter().enumerate() {
            if terms.name.is_empty() || symbols.iter().take(place).any(|earlier| earlier.name == terms.name) {
                return Err(ProcessorError::Symbol(terms.name.clone()));
            }
        }
        if symbols.is_empty() {
            return Err(ProcessorError::Symbol(String::new()));
        }
        let frames = FrameTerms::of(&config.bars);
        let numbered = (0_u16..).zip(&config.bars).map(|(bars, plan)| (bars, plan.kind));
        let information: Vec<(u16, BarKind)> = numbered.filter(|(_, kind)| !matches!(kind, BarKind::Time(_))).collect();
        let width = config.bars.iter().map(|plan| plan.indicators.iter().map(|one| one.names().len()).sum()).max();
        let revisable = config.revision_window > 0 && config.revision_bars > 0;
        let of_symbol = |terms: &SymbolTerms| -> Result<Vec<Option<Studies>>, ProcessorError> {
            let of_plan = |plan: &BarPlan| match plan.indicators.as_slice() {
                [] => Ok(None),
                wanted => {
                    let revisable = revisable && matches!(plan.kind, BarKind::Time(_));
                    Ok(Some(Studies::new(wanted, &terms.name, width.unwrap_or(0), revisable)?))
                }
            };
            config.bars.iter().map(of_plan).collect()
        };
        let studies = symbols.iter().map(of_symbol).collect::<Result<_, _>>()?;
        for (place, plan) in config.books.iter().enumerate() {
            let Some(terms) = symbols.get(plan.symbol.0 as usize) else {
                return Err(ProcessorError::Symbol(format!("number {}", plan.symbol.0)));
            };
            let twice = config.books.iter().take(place).any(|earlier| earlier.symbol == plan.symbol);
            if twice || plan.tick_size <= Price::ZERO || plan.lot_size <= Quantity::ZERO {
                return Err(ProcessorError::Book(terms.name.clone()));
            }
        }
        let state = SymbolState::new(&config, frames.len(), information.len());
        Ok(Self {
            states: vec![state; symbols.len()],
            quarantine: Quarantine::new(config.quarantine_capacity),
            out: Output::new(config.output),
            unknown: Counts::default(),
            service: 0,
            scratch: Vec::new(),
            books: books::books(&config.books, symbols.len()),
            arrivals: 0,
            config,
            symbols,
            frames,
            information,
            studies,
        })
    }

    /// Take an event in.
    ///
    /// # Errors
    /// [`OutputFull`] under [`Overflow::Block`](super::output::Overflow::Block): nothing has changed; take the batch and
    /// give the event again.
    #[inline]
    pub fn process(&mut self, event: &Event<'_>) -> Result<Outcome, OutputFull> {
        self.out.room()?;
        Ok(match event {
            Event::Trade(trade) => self.trade(trade, true),
            Event::Quote(quote) => {
                self.checked(quote.symbol, Kind::Quote, (quote.ts_event, quote.ts_init), |state, shared| {
                    state.quote(quote, shared)
                })
            }
            Event::Depth(update) => {
                let times = (update.ts_event, update.ts_init);
                let outcome =
                    self.checked(update.symbol, Kind::Depth, times, |state, shared| state.depth(update, shared));
                self.keep_book(update, outcome);
                outcome
            }
            Event::Bar(bar) => {
                self.checked(bar.symbol, Kind::VenueBar, (bar.ts_event, bar.ts_init), |state, shared| {
                    state.venue_bar(bar, shared)
                })
            }
            Event::Service => {
                self.service += 1;
                Outcome::Ok
            }
        })
    }

    /// A message that could not be read, of a symbol where that is known.
    ///
    /// # Errors
    /// [`OutputFull`], as for [`Self::process`].
    pub fn refuse(&mut self, symbol: Option<SymbolId>, ts_init: UtcNanos) -> Result<Outcome, OutputFull> {
        self.out.room()?;
        let counts = match symbol.and_then(|symbol| self.states.get_mut(symbol.0 as usize)) {
            Some(state) => &mut state.counters.unreadable,
            None => &mut self.unknown,
        };
        counts.received += 1;
        counts.bad += 1;
        let whose = symbol.unwrap_or(SymbolId(u32::MAX));
        let event = EventRow::new(whose, EventKind::Bad, ts_init.0, ts_init.0);
        self.out.event(&EventRow { reason: Reason::Unreadable, ..event });
        Ok(Outcome::Bad(Reason::Unreadable))
    }

    /// It is `now`: bars whose time is over close though no later trade came, and silent feeds are stale.
    ///
    /// # Errors
    /// [`OutputFull`], as for [`Self::process`].
    pub fn advance(&mut self, now: UtcNanos) -> Result<(), OutputFull> {
        self.out.room()?;
        for symbol in (0..).map(SymbolId).take(self.states.len()) {
            let Some((state, mut shared)) = self.at(symbol) else { continue };
            let (factor, floor) = (shared.config.stale_factor, shared.config.stale_floor);
            if let Some(Spoken { silence, median }) = state.silence.asked(now.0, factor, floor) {
                let mut event = EventRow::new(symbol, EventKind::Stale, now.0, now.0);
                (event.value, event.from) = (silence, median.unsigned_abs());
                shared.out.event(&event);
            }
            let wait = shared.config.lateness.saturating_add(shared.config.idle_grace);
            // The venue's time now: by the estimated skew, and by the newest trade and the time since it came. The earlier
            // one holds, so that a clock of ours that is hours ahead makes no trade late.
            let elapsed = now.0.saturating_sub(state.newest_at).max(0);
            let there = now.0.saturating_add(state.skew.estimate()).min(state.newest.saturating_add(elapsed));
            let watermark = there.saturating_sub(wait);
            if state.newest == i64::MIN || watermark <= state.watermark {
                continue;
            }
            state.watermark = watermark;
            state.drain(&mut shared);
            if state.spike.suspects().iter().any(|suspect| suspect.ts_event < watermark) {
                // Nothing came that would contradict them.
                state.decide(true, &mut shared);
                state.spike.pardon();
                state.frames.pass(watermark, &mut surroundings!(state, shared));
            }
            state.show(now.0, &mut shared);
        }
        Ok(())
    }

    /// The stream has ended: what waits is decided, and the bars that form are given out as partial.
    pub fn finish(&mut self) {
        for symbol in (0..).map(SymbolId).take(self.states.len()) {
            let Some((state, mut shared)) = self.at(symbol) else { continue };
            while let Some(tick) = state.reorder.pop(i64::MAX) {
                state.watermark = state.watermark.max(tick.ts_event);
                state.counters.trades.waiting -= 1;
                let _counted = state.leave(&tick, &mut shared);
            }
            state.decide(true, &mut shared);
            state.show(state.newest, &mut shared);
            state.frames.finish(&mut surroundings!(state, shared));
            for (forming, (bars, _)) in state.information.iter_mut().zip(shared.information) {
                forming.finish((symbol.0, *bars), shared.out);
            }
        }
    }

    /// Everything made since the last time.
    pub fn take(&mut self) -> Batch {
        self.out.take()
    }

    /// As [`Self::take`], into a batch whose rows are thrown away and whose memory is used on.
    pub fn swap(&mut self, spent: &mut Batch) {
        self.out.swap(spent);
    }

    /// Rows that wait in the output.
    #[must_use]
    pub const fn pending(&self) -> usize {
        self.out.pending().rows()
    }

    /// Rows made and lost, a table.
    #[must_use]
    pub const fn output_counters(&self) -> &OutputCounters {
        self.out.counters()
    }

    /// The counts of a symbol.
    #[must_use]
    pub fn counters(&self, symbol: SymbolId) -> Option<&Counters> {
        self.states.get(symbol.0 as usize).map(|state| &state.counters)
    }

    /// Messages about symbols this processor was not made for, and unreadable ones of nobody known.
    #[must_use]
    pub const fn unknown(&self) -> &Counts {
        &self.unknown
    }

    /// Messages without market data.
    #[must_use]
    pub const fn service(&self) -> u64 {
        self.service
    }

    /// The symbols, by number.
    #[must_use]
    pub fn symbols(&self) -> &[SymbolTerms] {
        &self.symbols
    }

    /// Names of the indicator outputs of the bars at a place of the settings; none for bars without.
    #[must_use]
    pub fn indicator_names(&self, bars: u16) -> &[String] {
        let of_first = self.studies.first().and_then(|studies| studies.get(usize::from(bars)));
        of_first.and_then(Option::as_ref).map_or(&[], Studies::names)
    }

    /// Estimated lead of the venue's clock over ours, less the usual delay, in ns.
    #[must_use]
    pub fn skew(&self, symbol: SymbolId) -> Option<i64> {
        self.states.get(symbol.0 as usize).map(|state| state.skew.estimate())
    }

    /// The time bar that forms now, of the bars at a place of the settings.
    #[must_use]
    pub fn forming(&self, symbol: SymbolId, bars: u16) -> Option<BarRow> {
        self.states.get(symbol.0 as usize)?.frames.forming(bars, symbol, &self.frames)
    }

    /// A symbol's state, and what all share.
    #[inline]
    fn at(&mut self, symbol: SymbolId) -> Option<(&mut SymbolState, Shared<'_>)> {
        let state = self.states.get_mut(symbol.0 as usize)?;
        let studies = self.studies.get_mut(symbol.0 as usize)?;
        let shared = Shared {
            config: &self.config,
            terms: &self.frames,
            information: &self.information,
            symbol,
            studies,
            quarantine: &mut self.quarantine,
            out: &mut self.out,
            scratch: &mut self.scratch,
        };
        Some((state, shared))
    }
}

/// Kinds of messages beside trades.
#[derive(Clone, Copy)]
enum Kind {
    Quote,
    Depth,
    VenueBar,
}
