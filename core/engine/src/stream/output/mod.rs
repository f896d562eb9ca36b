//! What a processor gives out: columns of trades, quotes, bars, indicator values and rare events.
//!
//! Rows are appended to struct-of-arrays tables and leave in one piece with [`Output::take`], so that a batch crosses into
//! Arrow without a copy a row. Each table is bounded; what happens at the bound has a name ([`Overflow`]) and is counted.
//!
//! Invariants: the columns of a table are equally long; rows stand in the order they were made; where a batch is cut does
//! not change a row. Appending is O(1), amortised where the oldest rows are dropped.

mod columns;
mod events;
mod tables;

pub use columns::{Columns, Tally};
pub use events::{EventKind, EventRow, NO_BARS, Reason};
pub use tables::{BarRow, Bars, Events, IndicatorValues, QuoteRow, Quotes, TradeRow, Trades, VenueBars, flags};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::stream::event::VenueBar;
use crate::types::StateHasher;

/// What happens when a table holds as many rows as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Overflow {
    /// The event is not taken in ([`OutputFull`]); the caller takes the batch and gives the event again.
    #[default]
    Block,
    /// The older half of the table goes, counted.
    DropOldest,
    /// The new row goes, counted.
    Refuse,
}

/// Which tables are filled and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputConfig {
    /// Most rows of a table between two [`Output::take`].
    pub capacity: usize,
    /// What happens then.
    pub overflow: Overflow,
    /// Whether accepted trades are given out.
    pub trades: bool,
    /// Whether accepted quotes are given out.
    pub quotes: bool,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { capacity: 1 << 16, overflow: Overflow::Block, trades: true, quotes: true }
    }
}

/// The bound of a table under [`Overflow::Block`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the output holds {rows} rows of at most {capacity}; take the batch, then give the same event again")]
pub struct OutputFull {
    /// Rows of the fullest table.
    pub rows: usize,
    /// The bound.
    pub capacity: usize,
}

/// Everything that was made since the last one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Accepted trades.
    pub trades: Trades,
    /// Accepted quotes.
    pub quotes: Quotes,
    /// Closed and revised bars.
    pub bars: Bars,
    /// Indicator values, a row a bar.
    pub indicators: IndicatorValues,
    /// The venue's own bars.
    pub venue_bars: VenueBars,
    /// Rare events.
    pub events: Events,
}

impl Batch {
    /// Rows of all tables together.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.trades.symbol.len()
            + self.quotes.symbol.len()
            + self.bars.symbol.len()
            + self.indicators.symbol.len()
            + self.venue_bars.symbol.len()
            + self.events.symbol.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// Append what came after.
    pub fn append(&mut self, later: &Self) {
        self.trades.append(&later.trades);
        self.quotes.append(&later.quotes);
        self.bars.append(&later.bars);
        self.indicators.append(&later.indicators);
        self.venue_bars.append(&later.venue_bars);
        self.events.append(&later.events);
    }

    /// One word for the whole content: equal for equal batches, on every machine.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = StateHasher::new();
        self.trades.hash(&mut hasher);
        self.quotes.hash(&mut hasher);
        self.bars.hash(&mut hasher);
        self.indicators.hash(&mut hasher);
        self.venue_bars.hash(&mut hasher);
        self.events.hash(&mut hasher);
        hasher.finish()
    }

    fn clear(&mut self) {
        self.trades.clear();
        self.quotes.clear();
        self.bars.clear();
        self.indicators.clear();
        self.venue_bars.clear();
        self.events.clear();
    }
}

/// Rows a table made and rows it lost, since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputCounters {
    /// Trades.
    pub trades: Tally,
    /// Quotes.
    pub quotes: Tally,
    /// Bars.
    pub bars: Tally,
    /// Rows of indicator values.
    pub indicators: Tally,
    /// The venue's own bars.
    pub venue_bars: Tally,
    /// Rare events.
    pub events: Tally,
}

/// The tables being filled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Output {
    config: OutputConfig,
    batch: Batch,
    counters: OutputCounters,
    /// Rows of the fullest table.
    fullest: usize,
}

impl Output {
    /// Empty tables.
    #[must_use]
    pub fn new(config: OutputConfig) -> Self {
        Self { config, batch: Batch::default(), counters: OutputCounters::default(), fullest: 0 }
    }

    /// Rows made and lost, a table.
    #[must_use]
    pub const fn counters(&self) -> &OutputCounters {
        &self.counters
    }

    /// What has been made so far; it stays.
    #[must_use]
    pub const fn pending(&self) -> &Batch {
        &self.batch
    }

    /// What has been made so far; the tables are empty then.
    pub fn take(&mut self) -> Batch {
        self.fullest = 0;
        std::mem::take(&mut self.batch)
    }

    /// As [`Self::take`], with the rows of `spent` thrown away and its memory used on: no allocation in a steady state.
    pub fn swap(&mut self, spent: &mut Batch) {
        spent.clear();
        self.fullest = 0;
        std::mem::swap(&mut self.batch, spent);
    }

    /// Under [`Overflow::Block`], whether an event may still be taken in.
    ///
    /// # Errors
    /// [`OutputFull`] when a table has reached its bound. One event may make several rows, so a table can go past the
    /// bound by what one event makes.
    #[inline]
    pub const fn room(&self) -> Result<(), OutputFull> {
        match self.config.overflow {
            Overflow::Block if self.fullest >= self.config.capacity => {
                Err(OutputFull { rows: self.fullest, capacity: self.config.capacity })
            }
            _ => Ok(()),
        }
    }

    #[inline]
    fn grown(&mut self, rows: usize) {
        self.fullest = self.fullest.max(rows);
    }

    /// Add a trade.
    #[inline]
    pub fn trade(&mut self, row: &TradeRow) {
        if self.config.trades && self.counters.trades.admit(&mut self.batch.trades, self.config) {
            self.batch.trades.push(row);
            self.grown(self.batch.trades.len());
        }
    }

    /// Add a quote.
    #[inline]
    pub fn quote(&mut self, row: &QuoteRow) {
        if self.config.quotes && self.counters.quotes.admit(&mut self.batch.quotes, self.config) {
            self.batch.quotes.push(row);
            self.grown(self.batch.quotes.len());
        }
    }

    /// Bars are about to be added: look at where their rows will stand, for nothing but the cache.
    pub(crate) fn prepare(&self) {
        self.batch.bars.look();
        self.batch.indicators.look();
    }

    /// Add a bar.
    pub fn bar(&mut self, row: &BarRow) {
        if self.counters.bars.admit(&mut self.batch.bars, self.config) {
            self.batch.bars.push(row);
            self.grown(self.batch.bars.len());
        }
    }

    /// Add the indicator values of a bar.
    pub fn indicators(&mut self, row: &BarRow, values: &[f64]) {
        if self.counters.indicators.admit(&mut self.batch.indicators, self.config) {
            self.batch.indicators.push(row, values);
            self.grown(self.batch.indicators.len());
        }
    }

    /// Add a bar of the venue.
    pub fn venue_bar(&mut self, bar: &VenueBar) {
        if self.counters.venue_bars.admit(&mut self.batch.venue_bars, self.config) {
            self.batch.venue_bars.push(bar);
            self.grown(self.batch.venue_bars.len());
        }
    }

    /// Add a rare event.
    pub fn event(&mut self, row: &EventRow) {
        if self.counters.events.admit(&mut self.batch.events, self.config) {
            self.batch.events.push(row);
            self.grown(self.batch.events.len());
        }
    }
}
