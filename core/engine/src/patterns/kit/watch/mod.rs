//! The last few candles and the running averages that rules measure them against.
//!
//! TA-Lib's averages are running sums that move by `new - old`, from a first window that depends on the pattern's own
//! look-back. Two patterns with different look-backs so carry different rounding, which decides ties on prices such as
//! 0.1. To equal TA-Lib on every bar there is one sum for each first window, a [`Group`]'s columns; a bar costs one
//! addition each, and patterns with the same first window share theirs. O(1) a bar.
#![expect(
    clippy::indexing_slicing,
    reason = "rows and columns come from the plan that sized them; lags are taken mod ROWS"
)]

mod block;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub(crate) use block::{BLOCK, Ledger, has_misprint};

use super::candle::Candle;
use super::settings::{CandleSettings, RangeType, Setting};
use crate::ta::kit::ring::Ring;

/// Candles kept; more than any rule looks back on. A power of two.
const ROWS: usize = 8;

/// A candle this many times taller than the price beside it is a misprint: its rounding must not stay in the sums.
const MISPRINT: f64 = 1024.0;

/// Where a rule finds the last candles and the sums before them.
pub(crate) trait Window {
    /// The candle `ago` bars before the newest.
    fn candle(&self, ago: usize) -> Candle;

    /// The sum in `column` over the candles before the one `ago` bars before the newest.
    fn sum(&self, column: usize, ago: usize) -> f64;
}

/// The averages of one setting a rule reads: those of the candles `nearest..=farthest` bars ago.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reads {
    pub(crate) setting: Setting,
    pub(crate) nearest: usize,
    pub(crate) farthest: usize,
}

/// What a pattern asks of a [`Watch`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    pub(crate) reads: &'static [Reads],
    /// The longest period of those.
    pub(crate) longest: usize,
    /// Bars before the first value.
    pub(crate) lookback: usize,
    /// Bars before the first value at which TA-Lib already runs the rule.
    pub(crate) early: usize,
}

/// For each setting the column of a pattern's average at the newest candle; the one `k` bars ago is `k` to the left.
pub(crate) type Columns = [usize; Setting::COUNT];

/// The running sums of one part over one period.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Group {
    range: RangeType,
    period: usize,
    /// Place of its first column.
    first: usize,
    /// First bar of each column's first window, ascending.
    starts: Vec<usize>,
    /// The last `period` parts.
    parts: Ring,
    /// Candles up to this one are summed afresh, because of a misprint.
    afresh_until: usize,
}

impl Group {
    /// From this candle on every column slides.
    fn settled(&self) -> usize {
        self.starts.last().map_or(0, |start| start + self.period)
    }

    /// Take candle number `bar` into the sums.
    #[inline]
    fn absorb(&mut self, bar: usize, candle: &Candle, sums: &mut [f64]) {
        let part = candle.part(self.range);
        let oldest = self.parts.push(part);
        let (count, settled) = (self.starts.len(), self.settled());
        let sums = &mut sums[self.first..self.first + count];
        match oldest {
            Some(oldest) if bar >= settled && bar > self.afresh_until => {
                // In one step, as TA-Lib does: another rounding would decide ties differently.
                let change = part - oldest;
                sums.iter_mut().for_each(|sum| *sum += change);
            }
            _ => self.absorb_slowly(bar, part, oldest.unwrap_or(0.0), sums),
        }
    }

    #[cold]
    fn absorb_slowly(&self, bar: usize, part: f64, oldest: f64, sums: &mut [f64]) {
        for (sum, &start) in sums.iter_mut().zip(&self.starts) {
            if bar < start {
                continue;
            }
            if bar < start + self.period {
                *sum += part;
            } else if bar <= self.afresh_until {
                *sum = self.parts.iter().sum();
            } else {
                *sum += part - oldest;
            }
        }
    }
}

/// Candles and averages, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Watch {
    candles: [Candle; ROWS],
    /// Candles taken so far.
    count: usize,
    groups: Vec<Group>,
    width: usize,
    /// A row of sums for each candle: over the candles before it.
    sums: Vec<f64>,
}

impl Watch {
    /// For patterns with these demands, and where each finds its averages.
    pub(crate) fn new(settings: &CandleSettings, demands: &[Demand]) -> (Self, Vec<Columns>) {
        let mut starts: BTreeMap<(RangeType, usize), BTreeSet<usize>> = BTreeMap::new();
        for (demand, reads) in demands.iter().flat_map(|demand| demand.reads.iter().map(move |reads| (demand, reads))) {
            let gauge = settings.gauge(reads.setting);
            if gauge.period > 0 {
                let newest = (demand.lookback - demand.early).saturating_sub(gauge.period);
                let windows = (reads.nearest..=reads.farthest).map(|lag| newest.saturating_sub(lag));
                starts.entry((gauge.range, gauge.period)).or_default().extend(windows);
            }
        }
        let (mut groups, mut width) = (Vec::new(), 0);
        for ((range, period), starts) in starts {
            let starts: Vec<usize> = starts.into_iter().collect();
            let (first, count) = (width, starts.len());
            groups.push(Group { range, period, first, starts, parts: Ring::new(period), afresh_until: 0 });
            width += count;
        }
        let columns = demands.iter().map(|demand| Self::columns_of(settings, demand, &groups)).collect();
        let sums = vec![0.0; ROWS * width];
        (Self { candles: [Candle::default(); ROWS], count: 0, groups, width, sums }, columns)
    }

    fn columns_of(settings: &CandleSettings, demand: &Demand, groups: &[Group]) -> Columns {
        let mut columns = [0; Setting::COUNT];
        for reads in demand.reads {
            let gauge = settings.gauge(reads.setting);
            let group = groups.iter().find(|group| (group.range, group.period) == (gauge.range, gauge.period));
            let Some(group) = group else { continue };
            let start = (demand.lookback - demand.early).saturating_sub(gauge.period + reads.nearest);
            let place = group.starts.iter().position(|known| *known == start).unwrap_or(0);
            columns[reads.setting.index()] = group.first + place + reads.nearest;
        }
        columns
    }

    /// Take the next candle.
    #[inline]
    pub(crate) fn push(&mut self, candle: Candle) {
        let (before, now) = (self.row(ROWS - 1), self.row(0));
        let mut last_close = candle.close;
        if self.count > 0 {
            let last = self.candles[before];
            self.sums.copy_within(before * self.width..(before + 1) * self.width, now * self.width);
            let sums = &mut self.sums[now * self.width..(now + 1) * self.width];
            for group in &mut self.groups {
                group.absorb(self.count - 1, &last, sums);
            }
            last_close = last.close;
        }
        if is_misprint(&candle, last_close) {
            self.groups.iter_mut().for_each(|group| group.afresh_until = self.count + group.period);
        }
        self.candles[now] = candle;
        self.count += 1;
    }

    /// Row of the candle `ahead` bars after the next one to come.
    #[inline]
    fn row(&self, ahead: usize) -> usize {
        (self.count + ahead) % ROWS
    }

    /// Candles taken so far.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Bars from here on slide every sum in one step: no first window is being filled, no misprint is in one.
    fn plain_from(&self) -> usize {
        let of = |group: &Group| group.settled().max(group.afresh_until + 1) + 1;
        self.groups.iter().map(of).max().unwrap_or(0)
    }

    /// The sums before the newest candle.
    fn newest_sums(&self) -> &[f64] {
        let row = self.row(ROWS - 1);
        &self.sums[row * self.width..(row + 1) * self.width]
    }
}

impl Window for Watch {
    #[inline(always)]
    fn candle(&self, ago: usize) -> Candle {
        self.candles[self.row(2 * ROWS - 1 - ago)]
    }

    #[inline(always)]
    fn sum(&self, column: usize, ago: usize) -> f64 {
        self.sums[self.row(2 * ROWS - 1 - ago) * self.width + column]
    }
}

/// Whether a candle, or its jump from the last close, is out of all proportion to the prices beside it.
#[inline(always)]
fn is_misprint(candle: &Candle, last_close: f64) -> bool {
    let level = candle.close.abs().min(last_close.abs());
    let height = (candle.high - candle.low).abs().max(candle.body).max((candle.close - last_close).abs());
    height > MISPRINT * level
}
