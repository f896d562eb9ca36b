//! What a processor is asked to do, and what can be wrong with that.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::books::BookPlan;
use crate::stream::output::OutputConfig;
use crate::stream::parse::TradeIds;
use crate::stream::timeframe::Timeframe;
use crate::ta::{StreamSetError, Wanted};
use crate::types::{Money, Price, Quantity};

const SECOND: i64 = 1_000_000_000;

/// What ends a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarKind {
    /// Time, in UTC buckets; a trade exactly at the end opens the next bar.
    Time(Timeframe),
    /// This many trades.
    Ticks(u64),
    /// Exactly this volume: a trade that fills a bar is divided, the rest opens the next one.
    Volume(Quantity),
    /// The smallest quantity whose notional reaches this: a trade that fills a bar is divided there, so a bar goes over by
    /// less than one 1e-8 of quantity.
    Notional(Money),
}

/// Bars to make, and the indicators of each.
#[derive(Clone, Debug)]
pub struct BarPlan {
    /// What ends a bar.
    pub kind: BarKind,
    /// Indicators computed on each closed bar; may be none.
    pub indicators: Vec<Wanted>,
}

/// What is done about a time bar without a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum EmptyBars {
    /// There is none.
    #[default]
    None,
    /// It has the last close four times and no volume.
    Carry,
}

/// Rule 8: a trade is a suspect when it is further from the median of the last `window` trades than `factor` robust sigmas
/// (1.4826 times the median absolute deviation) and than `floor_ppm` of the median. It is a spike when one of the next
/// `confirm - 1` trades goes back; a level that holds for `confirm` trades is a move of the market and passes whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpikeRule {
    /// Trades that make the median; 8 to 256.
    pub window: u16,
    /// Robust sigmas; 3 to 1000.
    pub factor: u32,
    /// Millionths of the median under which no move is a spike: 5,000 is half a percent.
    pub floor_ppm: u32,
    /// Trades on the new level that make it true; 2 to 16.
    pub confirm: u8,
}

impl Default for SpikeRule {
    fn default() -> Self {
        Self { window: 64, factor: 10, floor_ppm: 5_000, confirm: 2 }
    }
}

/// How a processor works. Times are nanoseconds.
#[derive(Clone, Debug)]
pub struct ProcessorConfig {
    /// Bars and their indicators.
    pub bars: Vec<BarPlan>,
    /// About time bars without a trade.
    pub empty_bars: EmptyBars,
    /// Most carried bars in a row; more are said in an event instead.
    pub most_carried: u32,
    /// How long a trade waits for earlier ones: within it any order of arrival gives the same bars. 0: none waits.
    pub lateness: i64,
    /// Most trades that wait, a symbol.
    pub reorder_capacity: usize,
    /// How far behind the watermark a trade may come and still revise closed bars.
    pub revision_window: i64,
    /// Most closed bars kept for revision, of each kind and symbol.
    pub revision_bars: usize,
    /// How long [`advance`](crate::stream::processor::Processor::advance) waits beyond the lateness before it closes a bar
    /// without a later trade: what messages of one feed differ in delay.
    pub idle_grace: i64,
    /// How far ahead of our clock, corrected by its estimated skew, a time may be.
    pub most_future: i64,
    /// Skew of the clocks that is an alarm.
    pub skew_alarm: i64,
    /// The filter of single wrong prices; none turns it off.
    pub spike: Option<SpikeRule>,
    /// What the venue's trade ids promise. Opaque ones are good for finding duplicates; 0 then means that there is none.
    pub trade_ids: TradeIds,
    /// Trade ids remembered a symbol; a power of two.
    pub dedupe_window: usize,
    /// Gaps remembered a symbol until they are filled.
    pub gap_capacity: usize,
    /// Trades kept in quarantine.
    pub quarantine_capacity: usize,
    /// Quotes in a row with the bid at or above the ask after which the book asks for a new snapshot.
    pub most_crossed: u32,
    /// Silence of this many median gaps is a stale feed; 0 turns it off.
    pub stale_factor: u32,
    /// Silence shorter than this is never stale.
    pub stale_floor: i64,
    /// The books to keep; of other symbols the updates are checked and counted.
    pub books: Vec<BookPlan>,
    /// The output's tables.
    pub output: OutputConfig,
}

impl Default for ProcessorConfig {
    fn default() -> Self {
        Self {
            bars: Vec::new(),
            empty_bars: EmptyBars::None,
            most_carried: 10_000,
            lateness: 0,
            reorder_capacity: 1 << 16,
            revision_window: 60 * SECOND,
            revision_bars: 256,
            idle_grace: SECOND,
            most_future: 5 * SECOND,
            skew_alarm: SECOND / 2,
            spike: Some(SpikeRule::default()),
            trade_ids: TradeIds::Consecutive,
            dedupe_window: 1 << 12,
            gap_capacity: 256,
            quarantine_capacity: 1 << 12,
            most_crossed: 10,
            stale_factor: 3,
            stale_floor: 5 * SECOND,
            books: Vec::new(),
            output: OutputConfig::default(),
        }
    }
}

/// A symbol the processor takes; its place in the list is its [`SymbolId`](crate::stream::event::SymbolId).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolTerms {
    /// Name, for messages.
    pub name: String,
    /// Prices are multiples of it, where known.
    pub tick_size: Option<Price>,
}

/// What can be wrong with a processor's making or with a call to it.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ProcessorError {
    /// A setting out of its bounds.
    #[error("{what} {value} is not in {least}..={most}")]
    Setting {
        /// Which.
        what: &'static str,
        /// Its value.
        value: i64,
        /// Least.
        least: i64,
        /// Most.
        most: i64,
    },
    /// A window that is no power of two.
    #[error("dedupe_window {0} is no power of two; take 4096")]
    Window(usize),
    /// No symbol, or the same one twice.
    #[error("symbol {0:?} is there twice or empty; a processor needs at least one symbol, each once")]
    Symbol(String),
    /// A book that cannot be kept.
    #[error("the book of {0} is asked for twice, or its tick size or lot size is not above zero; give each book once")]
    Book(String),
    /// The same bars twice.
    #[error("bars {0} are asked for twice; ask once, with all their indicators")]
    Twice(String),
    /// An indicator.
    #[error(transparent)]
    Indicator(#[from] StreamSetError),
    /// A trade that is not in quarantine.
    #[error("no trade with key {0} is in quarantine; list what is there and take a key of that")]
    NoSuchKey(u64),
    /// Bytes that are no snapshot of this kind.
    #[error("the snapshot cannot be used: {0}; start anew and replay")]
    Snapshot(&'static str),
}

fn within(what: &'static str, value: i64, least: i64, most: i64) -> Result<(), ProcessorError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(ProcessorError::Setting { what, value, least, most })
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl ProcessorConfig {
    /// Whether every setting is in its bounds.
    ///
    /// # Errors
    /// [`ProcessorError`] names the first that is not.
    pub fn check(&self) -> Result<(), ProcessorError> {
        const DAY: i64 = 86_400 * SECOND;
        within("number of bar kinds", count(self.bars.len()), 0, 64)?;
        within("lateness", self.lateness, 0, DAY)?;
        within("reorder_capacity", count(self.reorder_capacity), 1, 1 << 24)?;
        within("revision_window", self.revision_window, 0, 40 * DAY)?;
        within("revision_bars", count(self.revision_bars), 0, 1 << 20)?;
        within("idle_grace", self.idle_grace, 0, DAY)?;
        within("most_future", self.most_future, 0, DAY)?;
        within("skew_alarm", self.skew_alarm, 1, DAY)?;
        within("dedupe_window", count(self.dedupe_window), 1, 1 << 24)?;
        if !self.dedupe_window.is_power_of_two() {
            return Err(ProcessorError::Window(self.dedupe_window));
        }
        within("gap_capacity", count(self.gap_capacity), 1, 1 << 16)?;
        within("quarantine_capacity", count(self.quarantine_capacity), 1, 1 << 24)?;
        within("stale_floor", self.stale_floor, 0, 40 * DAY)?;
        within("output capacity", count(self.output.capacity), 2, 1 << 28)?;
        if let Some(rule) = self.spike {
            within("spike window", i64::from(rule.window), 8, 256)?;
            within("spike factor", i64::from(rule.factor), 3, 1_000)?;
            within("spike floor_ppm", i64::from(rule.floor_ppm), 0, 1_000_000)?;
            within("spike confirm", i64::from(rule.confirm), 2, 16)?;
        }
        for (place, plan) in self.bars.iter().enumerate() {
            match plan.kind {
                BarKind::Time(frame) => within("nanoseconds of a timeframe", frame.nominal(), 1, 1_440 * DAY)?,
                BarKind::Ticks(ticks) => {
                    within("trades of a tick bar", i64::try_from(ticks).unwrap_or(-1), 1, i64::MAX)?
                }
                BarKind::Volume(size) => within("size of a volume bar (1e-8)", size.raw(), 1, i64::MAX)?,
                BarKind::Notional(size) => within("size of a dollar bar (1e-8)", size.raw(), 1, i64::MAX)?,
            }
            if self.bars.iter().take(place).any(|earlier| earlier.kind == plan.kind) {
                return Err(ProcessorError::Twice(format!("{:?}", plan.kind)));
            }
        }
        Ok(())
    }
}
