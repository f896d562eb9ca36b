//! A block of bars taken apart: prices and parts in rows, sums between bounds, comparisons as bits; each found when a rule
//! first asks for it and then kept for the others. Small enough to stay in the nearest cache.
//!
//! # Sums between bounds
//! TA-Lib's running sum carries the rounding of every step since its first window, which decides ties. Here a window is
//! what totals over the block grew by, and the difference to TA-Lib's is bounded: at each step the chain rounds one change and
//! one sum, each by half a unit in its last place, and no sum is larger than the period times the largest part; no part is
//! larger than three times the distance between the block's highest and lowest price, and no total larger than all of
//! them. [`Tile::begin`] adds these up. A comparison that
//! holds for both ends of the bounds holds for TA-Lib's sum; the few bars where the ends disagree are left to the exact rule.
//!
//! O(1) a bar, whatever the averages' periods.
#![expect(
    clippy::indexing_slicing,
    reason = "rows have SPAN places, words and settings are counted by their constants"
)]

mod fill;

pub(crate) use fill::{lanes_at, packed};

use fill::{AddUp, Compare, TakeApart, TakeIn};

use super::settings::{CandleSettings, RangeType, Setting};
use super::term::{PARTS, Part, Sums};
use super::traits::{Against, TRAITS, Trait};
use super::watch::BLOCK;
use crate::ta::kit::float;
use crate::ta::kit::simd::{LANES, dispatch};

/// Bars in a word of bits.
pub(crate) const WORD: usize = 64;
/// Words of a block.
pub(crate) const WORDS: usize = BLOCK / WORD;
/// Bars before a block that rules may look back on.
const HEAD: usize = 8;
/// Bars before a block that are there, for the windows of those.
const FRONT: usize = 32;
/// Longest window that is added up here.
pub(crate) const LONGEST: usize = FRONT - HEAD;
/// Places of a row.
const SPAN: usize = FRONT + BLOCK;
/// Prices closer than this, or sums larger than its inverse, are left to the exact rule: products could underflow.
const TINY: f64 = 1e-250;

/// Rounding of totals in units of the largest part: half a unit in the last place of `SPAN` parts at each of `SPAN / LANES`
/// steps, for both ends of a window, in this block and in the one that set the bounds; twice that.
const TOTALS: f64 = 4.0 * float(SPAN) * float(SPAN / LANES);

/// Bits of a word: surely set, and perhaps set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    pub(crate) surely: u64,
    pub(crate) maybe: u64,
}

/// A row of prices or sums: on lines of the cache, so that eight bars seldom lie on two of them.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Row([f64; SPAN]);

impl Row {
    const EMPTY: Self = Self([0.0; SPAN]);
}

/// Bits of a block's words, those of the bars before in front, in the uppermost `HEAD` bits.
type BlockBits = [Bits; WORDS + 1];

/// Windows of a part over a period.
#[derive(Clone)]
struct Windows {
    range: RangeType,
    period: usize,
    /// What was measured when the bounds were last set afresh.
    base: f64,
    /// How far TA-Lib's sums are from these at most.
    error: f64,
    is_there: bool,
    sums: Row,
}

/// What a block's prices are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// As expected.
    Plain,
    /// So far apart, or so near 0, that sums need a closer look.
    Odd,
    /// With a NaN or an infinity, or so large that it cannot be told.
    NotClean,
}

/// See the module.
pub(crate) struct Tile {
    rows: [Row; PARTS],
    /// Parts that are there, as bits.
    parts: u32,
    windows: Vec<Windows>,
    /// What a part adds up to before each bar, on the way to its windows.
    totals: Row,
    /// Which windows each setting averages, and a sum's share in its size.
    gauges: [(usize, f64); Setting::COUNT],
    /// Rounding of the sums so far, in units of the period.
    drift: f64,
    traits: [BlockBits; TRAITS],
    /// Traits that are there, as bits.
    known: u64,
    /// Where the next block's prices are.
    next: [*const f64; 4],
}

impl Tile {
    pub(crate) fn new() -> Box<Self> {
        Box::new(Self {
            rows: [Row::EMPTY; PARTS],
            parts: 0,
            windows: Vec::new(),
            totals: Row::EMPTY,
            gauges: [(0, 0.0); Setting::COUNT],
            drift: 0.0,
            traits: [[Bits::default(); WORDS + 1]; TRAITS],
            known: 0,
            next: [std::ptr::null(); 4],
        })
    }

    /// Get ready for a series.
    pub(crate) fn reset(&mut self, settings: &CandleSettings) {
        self.drift = 0.0;
        let mut count = 0;
        for (slot, gauge) in self.gauges.iter_mut().zip(settings.gauges()) {
            let known = self.windows.iter().take(count);
            let place =
                known.into_iter().position(|windows| (windows.range, windows.period) == (gauge.range, gauge.period));
            let place = place.unwrap_or_else(|| {
                let fresh = Windows {
                    range: gauge.range,
                    period: gauge.period,
                    base: 0.0,
                    error: 0.0,
                    is_there: false,
                    sums: Row::EMPTY,
                };
                match self.windows.get_mut(count) {
                    Some(old) if (old.range, old.period) == (gauge.range, gauge.period) => old.base = 0.0,
                    Some(old) => *old = fresh,
                    None => self.windows.push(fresh),
                }
                count += 1;
                count - 1
            });
            *slot = (place, gauge.factor * gauge.halved() / float(gauge.period.max(1)));
        }
        self.windows.truncate(count);
    }

    /// Take in the block `first..end`; `slides` whether any sum does.
    pub(crate) fn begin(&mut self, series: [&[f64]; 4], first: usize, end: usize, slides: bool) -> Look {
        self.known = 0;
        self.next = series.map(|side| side.as_ptr().wrapping_add(end));
        self.parts = 0b1111;
        for windows in &mut self.windows {
            windows.is_there = false;
        }
        let (rows, next) = (&mut self.rows, self.next);
        if !slides {
            let (clean, ..) = dispatch(TakeIn::<false> { rows, series, first, end, next });
            return if clean { Look::Plain } else { Look::NotClean };
        }
        let (clean, least, largest) = dispatch(TakeIn::<true> { rows, series, first, end, next });
        if !clean {
            return Look::NotClean;
        }
        let reach = 3.0 * (largest - least);
        let drift = self.drift + float(BLOCK) * reach;
        for windows in self.windows.iter_mut().filter(|windows| windows.period > 0) {
            let period = float(windows.period);
            // The chain's rounding, and that of the totals here, now and when the bounds were last set afresh.
            windows.error = windows.base + f64::EPSILON * ((period + 2.0) * drift + TOTALS * reach);
            let in_bounds = windows.error < 1.0 / TINY;
            if !in_bounds {
                return Look::Odd;
            }
        }
        if (reach < TINY && reach > 0.0) || least <= 0.0 || largest - least > least {
            return Look::Odd;
        }
        self.drift = drift;
        Look::Plain
    }

    /// As if [`Look::Odd`] had been [`Look::Plain`]: a closer look found nothing.
    pub(crate) fn go_on(&mut self) -> bool {
        let (mut least, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        for price in self.rows.iter().take(4).flat_map(|row| &row.0) {
            (least, largest) = (least.min(*price), largest.max(*price));
        }
        let reach = 3.0 * (largest - least);
        self.drift += float(BLOCK) * reach;
        (reach >= TINY || reach == 0.0) && self.windows.iter().all(|windows| windows.error < 1.0 / TINY)
    }

    /// Set the bounds afresh: the sums of a part over a period are `row` at the block's first bar.
    pub(crate) fn anchor(&mut self, range: RangeType, period: usize, row: &[f64]) {
        let Some(place) = self.windows.iter().position(|windows| (windows.range, windows.period) == (range, period))
        else {
            return;
        };
        dispatch(AddUp { tile: self, place });
        let windows = &mut self.windows[place];
        let here = windows.sums.0[FRONT];
        let apart = row.iter().map(|sum| (sum - here).abs()).fold(0.0, f64::max);
        windows.base = 2.0 * apart;
    }

    /// Forget the rounding so far: [`Self::anchor`] has measured it.
    pub(crate) fn forget(&mut self) {
        self.drift = 0.0;
    }

    #[inline(always)]
    pub(crate) fn need_part(&mut self, part: Part) {
        if self.parts & 1 << part as u32 == 0 {
            self.find_part(part);
        }
    }

    #[inline(never)]
    fn find_part(&mut self, part: Part) {
        dispatch(TakeApart { tile: self, part });
    }

    #[inline(always)]
    pub(crate) fn need_sums(&mut self, setting: Setting) {
        let (place, _) = self.gauges[setting.index()];
        if !self.windows[place].is_there {
            self.find_sums(place);
        }
    }

    #[inline(never)]
    fn find_sums(&mut self, place: usize) {
        dispatch(AddUp { tile: self, place });
    }

    /// A part of the candles so long before a word's bars.
    #[inline(always)]
    pub(crate) fn part(&self, part: Part, word: usize, ago: usize) -> &[f64; WORD] {
        cut(&self.rows[part as usize], word, ago)
    }

    /// The sums of a setting before the candles so long before a word's bars.
    #[inline(always)]
    pub(crate) fn sums(&self, setting: Setting, word: usize, ago: usize) -> Sums<'_> {
        let (place, share) = self.gauges[setting.index()];
        let windows = &self.windows[place];
        Sums { estimates: cut(&windows.sums, word, ago), error: windows.error, share }
    }

    /// Whether the candles so long before a word's bars have a trait.
    #[inline(always)]
    pub(crate) fn has(&mut self, which: Trait, word: usize, ago: usize) -> Bits {
        if self.known & 1 << which as u32 == 0 {
            self.find_trait(which);
        }
        let bits = &self.traits[which as usize];
        let (before, here) = (&bits[word], &bits[word + 1]);
        // In two steps, because the second shift is by all bits for the bar itself.
        let shifted = |before: u64, here: u64| here << ago | before >> (WORD - 1 - ago) >> 1;
        Bits { surely: shifted(before.surely, here.surely), maybe: shifted(before.maybe, here.maybe) }
    }

    #[inline(never)]
    fn find_trait(&mut self, which: Trait) {
        let (part, relation, against, _) = which.comparison();
        self.need_part(part);
        match against {
            Against::Here(other) | Against::Before(other, _) => self.need_part(other),
            Against::Size(setting) => self.need_sums(setting),
        }
        dispatch(Compare { tile: self, which, part, relation, against });
        self.known |= 1 << which as u32;
    }
}

/// The part of a row that belongs to a word's bars, so many places before them.
#[inline(always)]
fn cut(row: &Row, word: usize, ago: usize) -> &[f64; WORD] {
    static NONE: [f64; WORD] = [0.0; WORD];
    let from = FRONT + word * WORD - ago;
    row.0.get(from..).and_then(|rest| rest.first_chunk()).unwrap_or(&NONE)
}
