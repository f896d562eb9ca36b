//! Messages to tables: a parser for each connection, one processor, and the tables that wait for Python.
//!
//! Invariants: no table waits with more than its capacity and what one message makes; a message is taken in as a whole or,
//! under the policy "block", not at all. O(length) a message; nothing is allocated for one that is read on the fast path.

use std::collections::VecDeque;

use deepalpha_engine::stream::event::{Event, SymbolId};
use deepalpha_engine::stream::output::{self, Overflow};
use deepalpha_engine::stream::parse::{Parser, ServiceKind};
use deepalpha_engine::stream::processor::Processor;
use deepalpha_engine::types::UtcNanos;
use pyo3::prelude::*;

use crate::arrow_batch::Slice;
use crate::stream_columns::Labels;
use crate::stream_options::{KINDS, Settings, refuse};

/// Connections whose parsers are kept: a feed has two while it rotates.
const MOST_PARSERS: usize = 8;

/// The tables are full: take batches, then give the same message again.
pub(crate) struct Full;

/// See the module.
pub(crate) struct Pipeline {
    fresh: Parser,
    /// Newest connection last.
    parsers: Vec<(u32, Parser)>,
    processor: Processor,
    labels: Labels,
    settings: Settings,
    /// Converted tables that were not fetched yet.
    ready: [VecDeque<Slice>; 6],
    /// Their rows.
    waiting: [usize; 6],
    /// Rows of converted tables that were dropped as the oldest.
    dropped: [u64; 6],
    last_error: Option<String>,
    /// The venue said that it will close the connection.
    shutdown_announced: bool,
}

impl Pipeline {
    pub(crate) fn new(settings: Settings) -> PyResult<Self> {
        let processor = Processor::new(settings.config.clone(), settings.terms.clone()).map_err(refuse)?;
        Self::with(settings, processor)
    }

    /// From a snapshot of a pipeline with the same settings.
    pub(crate) fn restore(settings: Settings, snapshot: &[u8]) -> PyResult<Self> {
        let processor =
            Processor::restore(settings.config.clone(), settings.terms.clone(), snapshot).map_err(refuse)?;
        Self::with(settings, processor)
    }

    fn with(settings: Settings, processor: Processor) -> PyResult<Self> {
        let names: Vec<String> = settings.terms.iter().map(|terms| terms.name.clone()).collect();
        let outputs: Vec<Vec<String>> =
            (0_u16..).zip(&settings.bars).map(|(place, _)| processor.indicator_names(place).to_vec()).collect();
        let mut fresh = Parser::new(settings.venue, settings.symbols.clone());
        if let [_] = settings.terms.as_slice() {
            // Messages without a symbol (a REST snapshot of the book) can only be about the one there is.
            fresh.about(Some(SymbolId(0)));
        }
        Ok(Self {
            fresh,
            parsers: Vec::new(),
            labels: Labels::new(&names, &settings.bars, &outputs, settings.numbers)?,
            processor,
            settings,
            ready: Default::default(),
            waiting: [0; 6],
            dropped: [0; 6],
            last_error: None,
            shutdown_announced: false,
        })
    }

    /// Take a message of a connection in.
    pub(crate) fn message(&mut self, connection: u32, raw: &[u8], ts_init: i64) -> Result<(), Full> {
        if self.is_full() {
            return Err(Full);
        }
        let place = self.parser(connection);
        let Some((_, parser)) = self.parsers.get_mut(place) else { return Ok(()) };
        let processor = &mut self.processor;
        let mut full = false;
        let mut first = true;
        let mut spilled = Vec::new();
        let ts_init = UtcNanos(ts_init);
        let read = parser.parse_each(raw, ts_init, |event: Event<'_>| {
            if full {
                return;
            }
            if processor.process(&event).is_err() {
                if first {
                    full = true;
                    return;
                }
                // The rest of a message of several events goes past the bound rather than be torn from its beginning.
                spilled.push(processor.take());
                let again = processor.process(&event);
                debug_assert!(again.is_ok(), "an empty output has room");
            }
            first = false;
        });
        let shutdown = parser.service() == Some(ServiceKind::Shutdown);
        for batch in spilled {
            self.keep(batch);
        }
        if full {
            return Err(Full);
        }
        match read {
            Ok(_) => self.shutdown_announced |= shutdown,
            Err(error) => {
                if self.processor.refuse(None, ts_init).is_err() {
                    return Err(Full);
                }
                self.last_error = Some(error.to_string());
            }
        }
        Ok(())
    }

    /// Something that is no message: a line that is not of its format.
    pub(crate) fn unreadable(&mut self, ts_init: i64, why: String) -> Result<(), Full> {
        if self.is_full() || self.processor.refuse(None, UtcNanos(ts_init)).is_err() {
            return Err(Full);
        }
        self.last_error = Some(why);
        Ok(())
    }

    fn parser(&mut self, connection: u32) -> usize {
        if let Some(place) = self.parsers.iter().rposition(|(known, _)| *known == connection) {
            return place;
        }
        if self.parsers.len() >= MOST_PARSERS {
            self.parsers.remove(0);
        }
        self.parsers.push((connection, self.fresh.clone()));
        self.parsers.len() - 1
    }

    pub(crate) fn advance(&mut self, now: i64) -> Result<(), Full> {
        if self.is_full() {
            return Err(Full);
        }
        self.processor.advance(UtcNanos(now)).map_err(|_| Full)
    }

    pub(crate) fn finish(&mut self) {
        self.processor.finish();
    }

    /// Under the policy "block", whether converted tables fill their bound.
    fn is_full(&self) -> bool {
        let output = &self.settings.config.output;
        output.overflow == Overflow::Block && self.waiting.iter().any(|rows| *rows >= output.capacity)
    }

    /// Whether there is nothing to fetch of the wanted tables.
    pub(crate) fn is_empty(&self) -> bool {
        self.processor.pending() == 0 && self.waiting.iter().all(|rows| *rows == 0)
    }

    /// The next rows of a table, `most` at most; none when there is none.
    pub(crate) fn fetch(&mut self, kind: usize, most: usize) -> PyResult<Option<Slice>> {
        if self.ready.get(kind).is_some_and(VecDeque::is_empty) && self.processor.pending() > 0 {
            let batch = self.processor.take();
            self.convert(batch)?;
        }
        let (Some(ready), Some(waiting)) = (self.ready.get_mut(kind), self.waiting.get_mut(kind)) else {
            return Ok(None);
        };
        let Some(oldest) = ready.front_mut() else { return Ok(None) };
        let part = oldest.split_first(most.max(1));
        if oldest.rows().is_empty() {
            ready.pop_front();
        }
        *waiting -= part.rows().len();
        Ok(Some(part))
    }

    /// As `convert` where no error can be raised; a table that cannot be converted is named in the last error.
    fn keep(&mut self, batch: output::Batch) {
        if let Err(error) = self.convert(batch) {
            self.last_error = Some(error.to_string());
        }
    }

    fn convert(&mut self, batch: output::Batch) -> PyResult<()> {
        let labels = &self.labels;
        let tables = [
            (batch.trades.len(), labels.trades(batch.trades)),
            (batch.quotes.len(), labels.quotes(batch.quotes)),
            (batch.bars.len(), labels.candles(batch.bars)),
            (batch.indicators.len(), labels.indicators(batch.indicators)),
            (batch.venue_bars.len(), labels.venue_bars(batch.venue_bars)),
            (batch.events.len(), labels.events(batch.events)),
        ];
        for (kind, (rows, columns)) in tables.into_iter().enumerate() {
            if rows > 0 && self.settings.kinds.get(kind).copied().unwrap_or(false) {
                self.store(kind, Slice::whole(columns?));
            }
        }
        Ok(())
    }

    fn store(&mut self, kind: usize, slice: Slice) {
        let output = &self.settings.config.output;
        let (Some(ready), Some(waiting), Some(dropped)) =
            (self.ready.get_mut(kind), self.waiting.get_mut(kind), self.dropped.get_mut(kind))
        else {
            return;
        };
        *waiting += slice.rows().len();
        ready.push_back(slice);
        while output.overflow != Overflow::Block && *waiting > output.capacity && ready.len() > 1 {
            let Some(oldest) = ready.pop_front() else { break };
            *waiting -= oldest.rows().len();
            *dropped += oldest.rows().len() as u64;
        }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn processor(&self) -> &Processor {
        &self.processor
    }

    pub(crate) fn parsers(&self) -> impl Iterator<Item = &Parser> {
        self.parsers.iter().map(|(_, parser)| parser)
    }

    pub(crate) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// Rows of converted tables that were dropped, in the order of [`KINDS`].
    pub(crate) fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        KINDS.into_iter().zip(self.dropped)
    }

    /// The state without what waits for Python: fetch everything first, or it is lost.
    pub(crate) fn snapshot(&self) -> PyResult<Vec<u8>> {
        if self.waiting.iter().any(|rows| *rows > 0) {
            return Err(refuse("batches were begun and not fetched whole; fetch all kinds, then take the snapshot"));
        }
        self.processor.snapshot().map_err(refuse)
    }
}
