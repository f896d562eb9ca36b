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
use crate::ta::kit::simd::{Job, Wide, dispatch};

/// Bars in a block.
pub(crate) const BLOCK: usize = 256;

/// Stands for prices there are none of.
static NONE: [f64; ROWS] = [0.0; ROWS];

/// A series' exact sums, block by block, as far as anybody asked for them.
pub(crate) struct Ledger<'a> {
    block: Block<'a>,
    watch: Watch,
    columns: Vec<Columns>,
    changes: Vec<f64>,
    /// Whether the watch has seen every bar so far.
    in_step: bool,
}

impl<'a> Ledger<'a> {
    /// Before the first of a series of complete bars, all sides of one length.
    pub(crate) fn new(series: [&'a [f64]; 4], settings: &CandleSettings, demands: &[Demand]) -> Self {
        let (watch, columns) = Watch::new(settings, demands);
        let (width, sums) = (watch.width, vec![0.0; (ROWS + BLOCK) * watch.width]);
        let mut head = [[0.0; 2 * ROWS]; 4];
        for (padded, side) in head.iter_mut().zip(series) {
            padded[ROWS..].iter_mut().zip(side).for_each(|(slot, price)| *slot = *price);
        }
        let block = Block { series, first: 0, end: 0, is_plain: false, sums, width, head };
        Self { block, watch, columns, changes: vec![0.0; BLOCK], in_step: true }
    }

    /// What a rule sees at a bar, and where it finds its sums; no earlier block than asked for last.
    pub(crate) fn window(&mut self, bar: usize, rule: usize) -> (At<'_>, &Columns) {
        self.reach(bar);
        (self.block.window(bar), &self.columns[rule])
    }

    fn reach(&mut self, bar: usize) {
        while self.block.end <= bar {
            self.advance();
        }
    }

    /// Each part and period with its sums before a bar.
    pub(crate) fn sums(&mut self, bar: usize) -> impl Iterator<Item = (RangeType, usize, &[f64])> {
        self.reach(bar);
        let row = self.block.row(bar);
        let groups = self.watch.groups.iter();
        groups.map(|group| (group.range, group.period, &row[group.first..group.first + group.starts.len()]))
    }

    fn advance(&mut self) {
        let Self { block, watch, changes, in_step, .. } = self;
        let (last, width) = (block.end - block.first, block.width);
        block.sums.copy_within(last * width..(last + ROWS) * width, 0);
        let length = block.series[0].len();
        (block.first, block.end) = (block.end, length.min(block.end + BLOCK));
        block.is_plain =
            block.first >= watch.plain_from().max(1) && dispatch(Slide { block, groups: &watch.groups, changes });
        if block.is_plain {
            *in_step = false;
        } else {
            if !*in_step {
                block.resume(watch);
                *in_step = true;
            }
            block.follow(watch);
        }
    }
}

/// Some bars of a series and the sums before each.
pub(crate) struct Block<'a> {
    series: [&'a [f64]; 4],
    /// The block's first bar.
    first: usize,
    /// The bar behind its last.
    end: usize,
    /// Whether every sum slides at every bar.
    is_plain: bool,
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
    #[inline(always)]
    fn candle(&self, bar: usize) -> Candle {
        let [open, high, low, close] = self.series;
        Candle::new([open[bar], high[bar], low[bar], close[bar]])
    }

    /// What a rule sees at a bar of the block.
    #[inline(always)]
    pub(crate) fn window(&self, bar: usize) -> At<'_> {
        let row = ROWS + bar - self.first;
        let sums = &self.sums[(row + 1 - ROWS) * self.width..(row + 1) * self.width];
        let [open, high, low, close] = self.series;
        let sides = if bar < ROWS {
            self.early(bar)
        } else {
            [last(open, bar), last(high, bar), last(low, bar), last(close, bar)]
        };
        At { sides, sums, width: self.width }
    }

    /// The last prices of one of the first bars.
    #[cold]
    fn early(&self, bar: usize) -> [&[f64; ROWS]; 4] {
        self.head.each_ref().map(|side| side[..=ROWS + bar].last_chunk().unwrap_or(&NONE))
    }

    /// The sums of a bar of the block.
    #[inline(always)]
    fn row(&self, bar: usize) -> &[f64] {
        let row = (ROWS + bar - self.first) * self.width;
        &self.sums[row..row + self.width]
    }

    /// The prices of the block's bars, and of the bar before where there is one.
    #[inline(always)]
    fn with_the_one_before(&self) -> [&[f64]; 4] {
        let bars = self.first.max(1) - 1..self.end;
        let [open, high, low, close] = self.series;
        [&open[bars.clone()], &high[bars.clone()], &low[bars.clone()], &close[bars]]
    }

    #[inline(always)]
    fn has_misprint(&self) -> bool {
        let (mut least, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        for side in self.with_the_one_before() {
            let (low, high) = extremes(side);
            (least, largest) = (least.min(low), largest.max(high));
        }
        // No candle is taller than the block, and no price lower: mostly enough.
        if least > 0.0 && largest - least <= least {
            return false;
        }
        self.has_misprint_at_a_bar()
    }

    #[cold]
    fn has_misprint_at_a_bar(&self) -> bool {
        has_misprint(self.series, self.first, self.end)
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
    #[inline(always)]
    fn slide(&mut self, group: &Group, changes: &mut [f64]) {
        let changes = &mut changes[..self.end - self.first];
        match group.range {
            RangeType::RealBody => self.changes(group.period, changes, |candle| candle.body),
            RangeType::HighLow => self.changes(group.period, changes, |candle| candle.part(RangeType::HighLow)),
            RangeType::Shadows => self.changes(group.period, changes, |candle| candle.part(RangeType::Shadows)),
        }
        let (mut column, behind) = (group.first, group.first + group.starts.len());
        while column < behind {
            let step = (behind - column).min(8);
            match step {
                1 => self.add_up::<1>(column, changes),
                2 => self.add_up::<2>(column, changes),
                3 => self.add_up::<3>(column, changes),
                4 => self.add_up::<4>(column, changes),
                5 => self.add_up::<5>(column, changes),
                6 => self.add_up::<6>(column, changes),
                7 => self.add_up::<7>(column, changes),
                _ => self.add_up::<8>(column, changes),
            }
            column += step;
        }
    }

    #[inline(always)]
    fn changes(&self, period: usize, changes: &mut [f64], part: impl Fn(&Candle) -> f64) {
        let count = changes.len();
        let (new, old) = (self.first - 1, self.first - 1 - period);
        let [open, high, low, close] = self.series;
        let [new_open, old_open] = [&open[new..new + count], &open[old..old + count]];
        let [new_high, old_high] = [&high[new..new + count], &high[old..old + count]];
        let [new_low, old_low] = [&low[new..new + count], &low[old..old + count]];
        let [new_close, old_close] = [&close[new..new + count], &close[old..old + count]];
        for at in 0..count {
            let came = Candle::new([new_open[at], new_high[at], new_low[at], new_close[at]]);
            let went = Candle::new([old_open[at], old_high[at], old_low[at], old_close[at]]);
            changes[at] = part(&came) - part(&went);
        }
    }

    /// Running totals of `N` columns from the row before the block on.
    #[inline(always)]
    fn add_up<const N: usize>(&mut self, column: usize, changes: &[f64]) {
        let rows = &mut self.sums[(ROWS - 1) * self.width + column..];
        let mut totals = [0.0; N];
        totals.copy_from_slice(&rows[..N]);
        for (row, change) in rows[self.width..].chunks_mut(self.width).zip(changes) {
            for total in &mut totals {
                *total += change;
            }
            row[..N].copy_from_slice(&totals);
        }
    }
}

/// Fills the sums of a block; whether every sum slides there.
struct Slide<'b, 'a> {
    block: &'b mut Block<'a>,
    groups: &'b [Group],
    changes: &'b mut [f64],
}

impl Job for Slide<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn run<W: Wide>(self) -> bool {
        // Without sums there is nothing a misprint could stay in.
        if self.groups.is_empty() {
            return true;
        }
        if self.block.has_misprint() {
            return false;
        }
        for group in self.groups {
            self.block.slide(group, self.changes);
        }
        true
    }
}

/// The last candles up to a bar.
#[inline(always)]
fn last(side: &[f64], bar: usize) -> &[f64; ROWS] {
    side[..=bar].last_chunk().unwrap_or(&NONE)
}

/// Smallest and largest price, in lanes that need not wait for each other.
#[inline(always)]
fn extremes(prices: &[f64]) -> (f64, f64) {
    let (mut least, mut largest) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    let (chunks, rest) = prices.as_chunks::<8>();
    for chunk in chunks {
        for ((price, least), largest) in chunk.iter().zip(&mut least).zip(&mut largest) {
            *least = if price < least { *price } else { *least };
            *largest = if price > largest { *price } else { *largest };
        }
    }
    let (mut smallest, mut tallest) = (f64::INFINITY, f64::NEG_INFINITY);
    for price in least.iter().chain(rest) {
        smallest = smallest.min(*price);
    }
    for price in largest.iter().chain(rest) {
        tallest = tallest.max(*price);
    }
    (smallest, tallest)
}

/// Whether some bar of `first..end` is a misprint.
pub(crate) fn has_misprint(series: [&[f64]; 4], first: usize, end: usize) -> bool {
    let [open, high, low, close] = series;
    (first..end).any(|bar| {
        let candle = Candle::new([open[bar], high[bar], low[bar], close[bar]]);
        is_misprint(&candle, close[bar.saturating_sub(1)])
    })
}
