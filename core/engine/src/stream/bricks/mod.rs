//! Bars by price or by trade instead of by time: renko, range, volume and tick-count bars.
//!
//! Rows go in (ticks, or finer bars), complete bars come out, and what does not fill a bar yet is the forming one.
//!
//! Volume is conserved exactly: inside it is a count of 1e-8 units (as `Quantity` is), each unit is in exactly one bar,
//! so the bars' and the forming bar's volumes, rounded to 8 decimals, add up to the rows' volumes rounded so. A volume
//! bar holds exactly its size: a row that fills it is divided. In renko and range bars the volume of a row goes to the
//! bar that forms when it arrives; further bars that the same row makes hold none.
//!
//! Within a finer bar the path is taken as open, low, high, close when it rises and open, high, low, close when it
//! falls; renko looks at closes only. O(1) a row and a bar.

use serde::{Deserialize, Serialize};

use crate::patterns::chart::batch::same_length;
use crate::patterns::chart::params::{ChartError, MAX_PRICE, check_period, within};
use crate::patterns::chart::swings::RangeAverage;

/// Most bars that one row may complete.
pub const MOST_BARS_A_ROW: usize = 10_000;
const UNITS: f64 = 1e8;
const MAX_VOLUME: f64 = 1e15;

/// One tick (all four prices equal) or finer bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Open, high, low, close.
    pub prices: [f64; 4],
    /// Volume.
    pub volume: f64,
    /// Ticks in it; 1 for a tick.
    pub ticks: u64,
}

/// A complete or forming bar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Brick {
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Volume.
    pub volume: f64,
    /// Ticks.
    pub ticks: u64,
    /// First row with a part in it.
    pub start: usize,
    /// Row that completed it; for the forming bar the last row.
    pub end: usize,
}

/// By what bars are made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Rule {
    /// Renko with a fixed box: a brick for each box the close moves on, two boxes to turn round.
    Renko {
        /// Height of a brick, above 0.
        size: f64,
    },
    /// Renko whose box is this many average true ranges, taken when the brick before was complete. Nothing is built
    /// before `period` rows are in.
    RenkoAtr {
        /// Rows of the average. In 1..=1000.
        period: usize,
        /// Average true ranges a brick. In 0.01..=100.
        multiple: f64,
    },
    /// A bar is complete when its high and low are this far apart; the next opens where it closed.
    Range {
        /// Distance from low to high, above 0.
        size: f64,
    },
    /// A bar is complete with this volume.
    Volume {
        /// Volume of a bar. In 1e-8..=1e15.
        size: f64,
    },
    /// A bar is complete with at least this many ticks; a row is never divided.
    Ticks {
        /// Ticks of a bar. In 1..=1e9.
        size: usize,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Forming {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    units: i128,
    ticks: u64,
    start: usize,
}

impl Forming {
    const fn at(price: f64, row: usize) -> Self {
        Self { open: price, high: price, low: price, close: price, units: 0, ticks: 0, start: row }
    }

    fn see(&mut self, price: f64) {
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
    }

    fn brick(&self, end: usize) -> Brick {
        let Self { open, high, low, close, units, ticks, start } = *self;
        Brick { open, high, low, close, volume: amount(units), ticks, start, end }
    }
}

/// Whole 1e-8 units of a volume in 0..=1e15. Exact for the whole part, rounded at the eighth decimal.
#[expect(clippy::cast_possible_truncation, reason = "both parts are below 1e15")]
fn units(volume: f64) -> i128 {
    let whole = volume.trunc();
    i128::from(whole as i64) * 100_000_000 + i128::from(((volume - whole) * UNITS).round() as i64)
}

/// A count of units as a volume: exact when whole, else the nearest float.
#[expect(clippy::cast_precision_loss, reason = "more digits than a float has cannot be shown")]
fn amount(units: i128) -> f64 {
    if units % 100_000_000 == 0 { (units / 100_000_000) as f64 } else { units as f64 / UNITS }
}

/// A box must be at least this share of the price.
const LEAST_SHARE: f64 = 1e-9;

/// The prices of a row in the order they are taken to have come.
fn path([open, high, low, close]: [f64; 4]) -> [f64; 4] {
    if close >= open { [open, low, high, close] } else { [open, high, low, close] }
}

/// Builds bars row by row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BrickBuilder {
    rule: Rule,
    /// Size of a volume bar in units.
    unit_size: i128,
    range: RangeAverage,
    /// Box of the next renko brick; 0 while it is not known.
    step: f64,
    /// Renko: the last brick closed `level` boxes from `anchor`. Counted, so that a grid does not drift.
    anchor: f64,
    level: f64,
    /// Renko: direction of the last brick, 0 before the first.
    trend: f64,
    forming: Option<Forming>,
    rows: usize,
}

impl BrickBuilder {
    /// Before the first row.
    ///
    /// # Errors
    /// A size out of bounds.
    pub fn new(rule: Rule) -> Result<Self, ChartError> {
        let (mut step, mut period, mut unit_size) = (0.0, 1, 1);
        match rule {
            Rule::Renko { size } => {
                within("box", size, f64::MIN_POSITIVE, MAX_PRICE)?;
                step = size;
            }
            Rule::RenkoAtr { period: rows, multiple } => {
                check_period("atr_period", rows, 1, 1000)?;
                within("atr_multiple", multiple, 0.01, 100.0)?;
                period = rows;
            }
            Rule::Range { size } => within("size", size, f64::MIN_POSITIVE, MAX_PRICE)?,
            Rule::Volume { size } => {
                within("size", size, 1.0 / UNITS, MAX_VOLUME)?;
                unit_size = units(size);
            }
            Rule::Ticks { size } => check_period("size", size, 1, 1_000_000_000)?,
        }
        let range = RangeAverage::new(period);
        Ok(Self { rule, unit_size, range, step, anchor: 0.0, level: 0.0, trend: 0.0, forming: None, rows: 0 })
    }

    /// What does not fill a bar yet.
    #[must_use]
    pub fn forming(&self) -> Option<Brick> {
        self.forming.as_ref().map(|forming| forming.brick(self.rows.saturating_sub(1)))
    }

    /// Take a row; complete bars are added to `out`.
    ///
    /// # Errors
    /// A row that cannot be used, or that alone makes more than [`MOST_BARS_A_ROW`] bars. Nothing has changed then.
    pub fn next(&mut self, row: &Row, out: &mut Vec<Brick>) -> Result<(), ChartError> {
        let at = self.rows;
        crate::patterns::chart::scanner::check_bar(at, row.prices, false)?;
        if row.volume.is_nan() || row.volume < 0.0 || row.volume > MAX_VOLUME {
            return Err(ChartError::BadVolume { name: "volume", row: at, value: row.volume });
        }
        self.check_count(row)?;
        let [open, high, low, close] = row.prices;
        let range = self.range.next(high, low, close);
        self.rows += 1;
        match self.rule {
            Rule::Renko { .. } => self.renko(close, row, out, None),
            Rule::RenkoAtr { multiple, .. } => {
                let size = multiple * range;
                let known = self.range.is_warm() && size >= LEAST_SHARE * close.abs() && size > 0.0;
                self.renko(close, row, out, known.then_some(size));
            }
            Rule::Range { size } => {
                let path = path(row.prices);
                self.add(open, row);
                path.iter().for_each(|price| self.walk(*price, size, out));
            }
            Rule::Volume { .. } => self.fill(row, out),
            Rule::Ticks { size } => {
                self.add(open, row);
                if let Some(forming) = &mut self.forming {
                    [high, low, close].iter().for_each(|price| forming.see(*price));
                    if forming.ticks >= u64::try_from(size).unwrap_or(u64::MAX) {
                        out.push(forming.brick(at));
                        self.forming = None;
                    }
                }
            }
        }
        Ok(())
    }

    /// The forming bar takes the whole row's volume and ticks; a new one begins at `price` if there is none.
    fn add(&mut self, price: f64, row: &Row) {
        let at = self.rows.saturating_sub(1);
        let forming = self.forming.get_or_insert_with(|| Forming::at(price, at));
        forming.units += units(row.volume);
        forming.ticks = forming.ticks.saturating_add(row.ticks);
    }

    /// Take a close into a renko chart; `fresh` is the box of the bricks to come, if it is not fixed.
    fn renko(&mut self, close: f64, row: &Row, out: &mut Vec<Brick>, fresh: Option<f64>) {
        let begins = self.forming.is_none() || self.step <= 0.0;
        self.add(close, row);
        let Some(forming) = &mut self.forming else { return };
        if begins {
            // The grid begins at the close at which the box is known; volume is kept from the first row on.
            *forming =
                Forming { units: forming.units, ticks: forming.ticks, start: forming.start, ..Forming::at(close, 0) };
            (self.anchor, self.level) = (close, 0.0);
            self.step = fresh.unwrap_or(self.step);
            return;
        }
        forming.see(close);
        let end = self.rows.saturating_sub(1);
        loop {
            let boxes = |count: f64| self.anchor + (self.level + count) * self.step;
            // Turning round takes two boxes, of which the second becomes the brick.
            let turn = if close >= boxes(if self.trend < 0.0 { 2.0 } else { 1.0 }) {
                1.0
            } else if close <= boxes(if self.trend > 0.0 { -2.0 } else { -1.0 }) {
                -1.0
            } else {
                return;
            };
            let skipped = if self.trend * turn < 0.0 { turn } else { 0.0 };
            let (from, to) = (boxes(skipped), boxes(skipped + turn));
            let Some(forming) = &mut self.forming else { return };
            out.push(Brick { open: from, high: from.max(to), low: from.min(to), close: to, ..forming.brick(end) });
            *forming = Forming::at(to, end);
            forming.see(close);
            self.trend = turn;
            self.level += skipped + turn;
            if let Some(size) = fresh {
                (self.anchor, self.level, self.step) = (to, 0.0, size);
            }
        }
    }

    /// Take the next price of a path into range bars.
    fn walk(&mut self, price: f64, size: f64, out: &mut Vec<Brick>) {
        let end = self.rows.saturating_sub(1);
        while let Some(forming) = &mut self.forming {
            let edge = if price - forming.low >= size {
                forming.low + size
            } else if forming.high - price >= size {
                forming.high - size
            } else {
                forming.see(price);
                return;
            };
            forming.see(edge);
            out.push(forming.brick(end));
            *forming = Forming::at(edge, end);
        }
    }

    /// Take a row into volume bars, divided where a bar is full.
    fn fill(&mut self, row: &Row, out: &mut Vec<Brick>) {
        let end = self.rows.saturating_sub(1);
        let [open, high, low, close] = row.prices;
        let mut rest = units(row.volume);
        let (mut prices, mut ticks) = ([open, high, low, close], row.ticks);
        loop {
            let [first, ..] = prices;
            let forming = self.forming.get_or_insert_with(|| Forming::at(first, end));
            prices.iter().for_each(|price| forming.see(*price));
            forming.ticks = forming.ticks.saturating_add(ticks);
            let part = rest.min(self.unit_size - forming.units);
            forming.units += part;
            rest -= part;
            if forming.units >= self.unit_size {
                out.push(forming.brick(end));
                self.forming = None;
            }
            if rest <= 0 {
                return;
            }
            // The row's range and ticks are in the bar before; what is left traded at its close.
            (prices, ticks) = ([close; 4], 0);
        }
    }

    /// Refuse a row that would make too many bars, before anything has changed.
    fn check_count(&self, row: &Row) -> Result<(), ChartError> {
        let [.., close] = row.prices;
        let forming = self.forming.as_ref();
        let largest = row.prices.iter().fold(0.0_f64, |most, price| most.max(price.abs()));
        // A box below the digits of a price cannot be counted.
        let boxes = |distance: f64, size: f64| {
            if size < LEAST_SHARE * largest { f64::INFINITY } else { distance / size }
        };
        let renko = |size: f64| boxes(forming.map_or(0.0, |forming| (close - forming.open).abs()), size);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let bars = match self.rule {
            Rule::Renko { size } => renko(size),
            Rule::RenkoAtr { .. } if self.step <= 0.0 => 0.0,
            Rule::RenkoAtr { .. } => renko(self.step),
            Rule::Range { size } => {
                let path = path(row.prices);
                let [first, ..] = path;
                let steps = path.iter().zip(path.iter().skip(1)).map(|(from, to)| (to - from).abs());
                boxes(steps.sum::<f64>() + forming.map_or(0.0, |forming| (first - forming.close).abs()), size)
            }
            Rule::Volume { .. } => units(row.volume) as f64 / self.unit_size as f64,
            Rule::Ticks { .. } => 0.0,
        };
        let bound = crate::ta::kit::float(MOST_BARS_A_ROW);
        if bars > bound { Err(ChartError::TooManyBars { row: self.rows, bound: MOST_BARS_A_ROW }) } else { Ok(()) }
    }
}

/// Columns of rows, oldest first. A tick series has its prices in all four price columns.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Open, high, low, close.
    pub prices: [&'a [f64]; 4],
    /// Volumes; none counts as 0.
    pub volume: Option<&'a [f64]>,
    /// Ticks of each row; none counts as 1.
    pub ticks: Option<&'a [f64]>,
}

/// Bars of a whole series, and the one that forms.
///
/// # Errors
/// A size, columns or a row that cannot be used.
pub fn build(rule: Rule, rows: Rows<'_>) -> Result<(Vec<Brick>, Option<Brick>), ChartError> {
    let [open, high, low, close] = rows.prices;
    let given = [("open", Some(open)), ("high", Some(high)), ("low", Some(low)), ("close", Some(close))];
    let given = given.into_iter().chain([("volume", rows.volume), ("ticks", rows.ticks)]);
    let given: Vec<(&'static str, &[f64])> =
        given.filter_map(|(name, column)| column.map(|column| (name, column))).collect();
    same_length(&given)?;
    let (mut builder, mut out) = (BrickBuilder::new(rule)?, Vec::new());
    for (at, (((open, high), low), close)) in open.iter().zip(high).zip(low).zip(close).enumerate() {
        let cell = |column: Option<&[f64]>, otherwise: f64| {
            column.and_then(|column| column.get(at).copied()).unwrap_or(otherwise)
        };
        let ticks = cell(rows.ticks, 1.0);
        if ticks.fract() != 0.0 || !(0.0..=MAX_VOLUME).contains(&ticks) {
            return Err(ChartError::BadVolume { name: "ticks", row: at, value: ticks });
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in 0..=1e15")]
        let ticks = ticks as u64;
        builder.next(&Row { prices: [*open, *high, *low, *close], volume: cell(rows.volume, 0.0), ticks }, &mut out)?;
    }
    Ok((out, builder.forming()))
}

#[cfg(test)]
mod tests;
