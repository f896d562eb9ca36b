//! A series block by block: the sums of [`Watch`] as rows beside the prices, so that a rule looks straight into them.
//!
//! Blocks in which every sum slides are filled by one addition a sum; first windows and misprints are left to [`Watch`].
#![expect(
    clippy::indexing_slicing,
    reason = "rows are within the block, columns come from the plan, bars from the series"
)]

use super::{Columns, Demand, Group, ROWS, Watch, Window, is_misprint};
use crate::patterns::kit::candle::Candle;
use crate::patterns::kit::settings::{CandleSettings, RangeType};

/// Bars in a block.
pub(crate) const BLOCK: usize = 256;

/// Stands for prices there are none of.
static NONE: [f64; ROWS] = [0.0; ROWS];

/// Some bars of a series and the sums before each.
pub(crate) struct Block<'a> {
    series: [&'a [f64]; 4],
    /// The block's first bar.
    pub(crate) first: usize,
    /// The bar behind its last.
    pub(crate) end: usize,
    /// Whether every sum slides at every bar.
    pub(crate) is_plain: bool,
    /// A row for each bar of the block, and `ROWS` of those before in front.
    sums: Vec<f64>,
    width: usize,
    /// The first bars with nothing in front, for windows that reach before the first.
    head: [[f64; 2 * ROWS]; 4],
}

/// A bar of a block as a rule's window: the last candles' prices and sums, oldest first.
pub(crate) struct At<'a> {
    sides: [&'a [f64; ROWS]; 4],
    sums: &'a [f64],
    width: usize,
}

impl Window for At<'_> {
    #[inline(always)]
    fn candle(&self, ago: usize) -> Candle {
        let [open, high, low, close] = self.sides;
        let at = ROWS - 1 - ago;
        Candle::new([open[at], high[at], low[at], close[at]])
    }

    #[inline(always)]
    fn sum(&self, column: usize, ago: usize) -> f64 {
        self.sums[(ROWS - 1 - ago) * self.width + column]
    }
}

impl<'a> Block<'a> {
    /// Visit a series of complete bars block by block.
    pub(crate) fn over(
        series: [&'a [f64]; 4],
        settings: &CandleSettings,
        demands: &[Demand],
        mut visit: impl FnMut(&Block<'_>, &[Columns], &Watch),
    ) {
        let (mut watch, columns) = Watch::new(settings, demands);
        let length = series.iter().map(|side| side.len()).min().unwrap_or(0);
        let series = series.map(|side| &side[..length]);
        let (width, sums) = (watch.width, vec![0.0; (ROWS + BLOCK) * watch.width]);
        let mut head = [[0.0; 2 * ROWS]; 4];
        for (padded, side) in head.iter_mut().zip(series) {
            padded[ROWS..].iter_mut().zip(side).for_each(|(slot, price)| *slot = *price);
        }
        let mut block = Self { series, first: 0, end: 0, is_plain: false, sums, width, head };
        let mut changes = vec![0.0; BLOCK];
        // Whether the watch has seen every bar so far.
        let mut in_step = true;
        while block.end < length {
            let last = block.end - block.first;
            block.sums.copy_within(last * width..(last + ROWS) * width, 0);
            (block.first, block.end) = (block.end, length.min(block.end + BLOCK));
            block.is_plain = block.first >= watch.plain_from().max(1) && !block.has_misprint();
            if block.is_plain {
                for group in &watch.groups {
                    block.slide(group, &mut changes);
                }
                in_step = false;
            } else {
                if !in_step {
                    block.resume(&mut watch);
                    in_step = true;
                }
                block.follow(&mut watch);
            }
            visit(&block, &columns, &watch);
        }
    }

    #[inline(always)]
    pub(crate) fn candle(&self, bar: usize) -> Candle {
        let [open, high, low, close] = self.series;
        Candle::new([open[bar], high[bar], low[bar], close[bar]])
    }

    /// What a rule sees at a bar of the block.
    #[inline(always)]
    pub(crate) fn window(&self, bar: usize) -> At<'_> {
        let row = ROWS + bar - self.first;
        let sums = &self.sums[(row + 1 - ROWS) * self.width..(row + 1) * self.width];
        let [open, high, low, close] = self.series;
        let last = |side: &'a [f64]| side[..=bar].last_chunk().unwrap_or(&NONE);
        let sides = if bar < ROWS { self.early(bar) } else { [last(open), last(high), last(low), last(close)] };
        At { sides, sums, width: self.width }
    }

    /// The last prices of one of the first bars.
    #[cold]
    fn early(&self, bar: usize) -> [&[f64; ROWS]; 4] {
        self.head.each_ref().map(|side| side[..=ROWS + bar].last_chunk().unwrap_or(&NONE))
    }

    /// One of the sums at each bar of the block.
    pub(crate) fn column(&self, column: usize, into: &mut [f64]) {
        let rows = self.sums[ROWS * self.width..].chunks_exact(self.width);
        into.iter_mut().zip(rows).take(self.end - self.first).for_each(|(slot, row)| *slot = row[column]);
    }

    /// The sums of a bar of the block.
    #[inline(always)]
    pub(crate) fn row(&self, bar: usize) -> &[f64] {
        let row = (ROWS + bar - self.first) * self.width;
        &self.sums[row..row + self.width]
    }

    /// The prices of the block's bars, and of the bar before where there is one.
    pub(crate) fn with_the_one_before(&self) -> [&[f64]; 4] {
        let bars = self.first.max(1) - 1..self.end;
        self.series.map(|side| &side[bars.clone()])
    }

    fn has_misprint(&self) -> bool {
        let (least, largest) = self
            .with_the_one_before()
            .map(extremes)
            .into_iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, largest), (low, high)| {
                (least.min(low), largest.max(high))
            });
        // No candle is taller than the block, and no price lower: mostly enough.
        if least > 0.0 && largest - least <= least {
            return false;
        }
        let closes = &self.series[3][self.first - 1..];
        (self.first..self.end).zip(closes).any(|(bar, last)| is_misprint(&self.candle(bar), *last))
    }

    /// Fill the rows from the watch's.
    fn follow(&mut self, watch: &mut Watch) {
        for bar in self.first..self.end {
            watch.push(self.candle(bar));
            let row = (ROWS + bar - self.first) * self.width;
            self.sums[row..row + self.width].copy_from_slice(watch.newest_sums());
        }
    }

    /// Bring the watch to where the block begins.
    fn resume(&self, watch: &mut Watch) {
        let last = self.first - 1;
        for group in &mut watch.groups {
            for bar in last - group.period..last {
                group.parts.push(self.candle(bar).part(group.range));
            }
        }
        watch.count = self.first;
        watch.candles[last % ROWS] = self.candle(last);
        let row = last % ROWS * self.width;
        watch.sums[row..row + self.width].copy_from_slice(&self.sums[(ROWS - 1) * self.width..ROWS * self.width]);
    }

    /// Fill a group's columns where every sum slides: by what comes in minus what goes out, in one step.
    fn slide(&mut self, group: &Group, changes: &mut [f64]) {
        let changes = &mut changes[..self.end - self.first];
        match group.range {
            RangeType::RealBody => self.changes(group.period, changes, |candle| candle.body),
            RangeType::HighLow => self.changes(group.period, changes, |candle| candle.part(RangeType::HighLow)),
            RangeType::Shadows => self.changes(group.period, changes, |candle| candle.part(RangeType::Shadows)),
        }
        let (mut column, behind) = (group.first, group.first + group.starts.len());
        while column < behind {
            let step = (behind - column).min(4);
            match step {
                1 => self.add_up::<1>(column, changes),
                2 => self.add_up::<2>(column, changes),
                3 => self.add_up::<3>(column, changes),
                _ => self.add_up::<4>(column, changes),
            }
            column += step;
        }
    }

    #[inline(always)]
    fn changes(&self, period: usize, changes: &mut [f64], part: impl Fn(&Candle) -> f64) {
        let count = changes.len();
        let from = |bar: usize| self.series.map(|side| &side[bar..bar + count]);
        let (new, old) = (from(self.first - 1), from(self.first - 1 - period));
        let candle =
            |at: usize, [open, high, low, close]: [&[f64]; 4]| Candle::new([open[at], high[at], low[at], close[at]]);
        for (at, change) in changes.iter_mut().enumerate() {
            *change = part(&candle(at, new)) - part(&candle(at, old));
        }
    }

    /// Running totals of `N` columns from the row before the block on.
    #[inline(always)]
    fn add_up<const N: usize>(&mut self, column: usize, changes: &[f64]) {
        let rows = &mut self.sums[(ROWS - 1) * self.width + column..];
        let mut totals = [0.0; N];
        totals.copy_from_slice(&rows[..N]);
        for (row, change) in rows[self.width..].chunks_mut(self.width).zip(changes) {
            totals.iter_mut().for_each(|total| *total += change);
            row[..N].copy_from_slice(&totals);
        }
    }
}

/// Smallest and largest price, in lanes that need not wait for each other.
fn extremes(prices: &[f64]) -> (f64, f64) {
    let (mut least, mut largest) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    let (chunks, rest) = prices.as_chunks::<8>();
    for chunk in chunks {
        for ((price, least), largest) in chunk.iter().zip(&mut least).zip(&mut largest) {
            *least = if price < least { *price } else { *least };
            *largest = if price > largest { *price } else { *largest };
        }
    }
    let smallest = least.iter().chain(rest).copied().fold(f64::INFINITY, f64::min);
    (smallest, largest.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max))
}
