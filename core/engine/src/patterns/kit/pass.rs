//! Rules over a series, block by block: 64 bars at a time where bounds decide, one bar at a time where they do not.
//!
//! Beyond [`Tile`]'s bounds are blocks with a misprint, for which TA-Lib's sums are kept clean in their own way, and prices so
//! small or so large that products could underflow or overflow: there every bar goes through the exact rule. O(1) a bar.
#![expect(clippy::indexing_slicing, reason = "rules index the demands they were counted by")]

use std::cell::RefCell;
use std::ops::Range;

use super::pattern::Pattern;
use super::see::{Blind, See};
use super::settings::CandleSettings;
use super::tile::{Bits, LONGEST, Look, Tile, WORD, WORDS};
use super::watch::{BLOCK, Demand, Ledger, has_misprint};
use super::word::{Marks, Word};
use crate::ta::TaError;
use crate::ta::kit::simd::{Job, Wide, dispatch};

/// Where a pattern shows in a block, word by word.
pub(crate) type BlockMarks = [Marks; WORDS];

/// A rule over the block a pass is at: its place among the demands, its parameter.
pub(crate) type Scan = fn(&mut Pass<'_>, usize, f64, &mut BlockMarks);

thread_local! {
    /// The last tile of this thread: a fresh one costs more than a short series.
    static KEPT: RefCell<Option<Box<Tile>>> = const { RefCell::new(None) };
}

/// Rules on their way through a series.
pub(crate) struct Pass<'a> {
    series: [&'a [f64]; 4],
    settings: &'a CandleSettings,
    demands: &'a [Demand],
    tile: Box<Tile>,
    /// TA-Lib's own sums, from when a bar first needs them.
    ledger: Option<Ledger<'a>>,
    first: usize,
    end: usize,
    /// Whether every bar of the block is left to the exact rule.
    is_open: bool,
}

impl<'a> Pass<'a> {
    /// Visit a series, all sides of one length, block by block.
    ///
    /// # Errors
    /// [`TaError::NotClean`] at the first block with a NaN or an infinity; blocks before it were visited.
    pub(crate) fn over(
        series: [&'a [f64]; 4],
        settings: &'a CandleSettings,
        demands: &'a [Demand],
        mut visit: impl FnMut(&mut Self),
    ) -> Result<(), TaError> {
        let kept = KEPT.with(|kept| kept.borrow_mut().take());
        let mut tile = kept.unwrap_or_else(Tile::new);
        tile.reset(settings);
        let mut pass = Self { series, settings, demands, tile, ledger: None, first: 0, end: 0, is_open: false };
        let done = pass.run(&mut visit);
        KEPT.with(|kept| *kept.borrow_mut() = Some(pass.tile));
        done
    }

    fn run(&mut self, visit: &mut impl FnMut(&mut Self)) -> Result<(), TaError> {
        let length = self.series.iter().map(|side| side.len()).min().unwrap_or(0);
        self.series = self.series.map(|side| &side[..length]);
        let slides = self.demands.iter().any(|demand| !demand.reads.is_empty());
        // Whether the block before had a misprint; whether the bounds have lost TA-Lib's sums.
        let (mut before, mut lost) = (false, false);
        while self.end < length {
            (self.first, self.end) = (self.end, length.min(self.end + BLOCK));
            let now = self.is_beyond(slides)?;
            self.is_open = now || before;
            if self.is_open {
                lost = true;
            } else if lost {
                self.anchor();
                self.is_open = self.is_beyond(slides)?;
                lost = self.is_open;
            }
            before = now;
            visit(self);
        }
        Ok(())
    }

    /// Take the block in; whether it is beyond bounds.
    fn is_beyond(&mut self, slides: bool) -> Result<bool, TaError> {
        match self.tile.begin(self.series, self.first, self.end, slides) {
            Look::NotClean => Err(TaError::NotClean),
            Look::Plain => Ok(false),
            Look::Odd => Ok(has_misprint(self.series, self.first, self.end) || !self.tile.go_on()),
        }
    }

    /// Measure how far TA-Lib's sums are from windows that are added up by themselves.
    #[cold]
    fn anchor(&mut self) {
        let (series, settings, demands) = (self.series, self.settings, self.demands);
        let ledger = self.ledger.get_or_insert_with(|| Ledger::new(series, settings, demands));
        for (range, period, sums) in ledger.sums(self.first) {
            if period <= LONGEST {
                self.tile.anchor(range, period, sums);
            }
        }
        self.tile.forget();
    }

    /// The bars of the block.
    pub(crate) fn bars(&self) -> Range<usize> {
        self.first..self.end
    }

    /// Bars of a word that are in the series and behind a look-back.
    #[inline(always)]
    fn within(&self, word: usize, lookback: usize) -> u64 {
        let first = self.first + word * WORD;
        let (from, to) = (lookback.saturating_sub(first), self.end.saturating_sub(first).min(WORD));
        if from >= to { 0 } else { u64::MAX >> (WORD - to) & u64::MAX << from }
    }

    /// The exact rule at a bar.
    #[inline(never)]
    fn exact<P: Pattern>(&mut self, rule: usize, penetration: f64, bar: usize) -> i32 {
        let (series, settings, demands) = (self.series, self.settings, self.demands);
        let ledger = self.ledger.get_or_insert_with(|| Ledger::new(series, settings, demands));
        let (window, columns) = ledger.window(bar, rule);
        P::rule(&mut See { watch: &window, settings, columns, penetration, eye: &mut Blind::new() })
    }
}

/// Runs a rule over the block a pass is at.
pub(crate) fn scan<P: Pattern>(pass: &mut Pass<'_>, rule: usize, penetration: f64, marks: &mut BlockMarks) {
    let demand = &pass.demands[rule];
    let lookback = demand.lookback;
    let is_open = pass.is_open || demand.longest > LONGEST;
    if is_open {
        *marks = BlockMarks::default();
        for (word, marks) in marks.iter_mut().enumerate() {
            marks.hit = Bits { surely: 0, maybe: pass.within(word, lookback) };
        }
    } else {
        dispatch(Rule::<P> { pass, lookback, penetration, marks, pattern: std::marker::PhantomData });
    }
    for (word, marks) in marks.iter_mut().enumerate() {
        let mut open = marks.open();
        while open != 0 {
            let lane = open.trailing_zeros() as usize;
            open &= open - 1;
            let value = pass.exact::<P>(rule, penetration, pass.first + word * WORD + lane);
            marks.settle(lane, value);
        }
    }
}

/// A rule over the words of a block.
struct Rule<'p, 'a, P> {
    pass: &'p mut Pass<'a>,
    lookback: usize,
    penetration: f64,
    marks: &'p mut BlockMarks,
    pattern: std::marker::PhantomData<P>,
}

impl<P: Pattern> Job for Rule<'_, '_, P> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Self { pass, lookback, penetration, marks, .. } = self;
        for (place, marks) in marks.iter_mut().enumerate() {
            let bars = pass.within(place, lookback);
            *marks = if bars == 0 {
                Marks::default()
            } else {
                P::rule(&mut Word::<W>::new(&mut pass.tile, place, penetration)).only(bars)
            };
        }
    }
}

/// Writes a block's values as int32 into `values`, which begin with bar `begin`.
pub(crate) fn write(marks: &BlockMarks, bars: &Range<usize>, begin: usize, values: &mut [i32]) {
    dispatch(Write { marks, bars, begin, values });
}

struct Write<'m> {
    marks: &'m BlockMarks,
    bars: &'m Range<usize>,
    begin: usize,
    values: &'m mut [i32],
}

impl Job for Write<'_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Self { marks, bars, begin, values } = self;
        for (first, marks) in bars.clone().step_by(WORD).zip(marks) {
            let (from, to) = (first.max(begin), bars.end.min(first + WORD));
            if from >= to {
                continue;
            }
            let slots = &mut values[from - begin..to - begin];
            if marks.hit.surely == 0 {
                slots.fill(0);
                continue;
            }
            if let Ok(slots) = slots.try_into() {
                spread(marks, slots);
                continue;
            }
            let mut word = [0; WORD];
            spread(marks, &mut word);
            slots.copy_from_slice(&word[from - first..to - first]);
        }
    }
}

/// The values of a word.
#[inline(always)]
fn spread(marks: &Marks, slots: &mut [i32; WORD]) {
    let is_set = |bits: u64, lane: usize| bits >> lane & 1 == 1;
    for (lane, slot) in slots.iter_mut().enumerate() {
        let size = if is_set(marks.down, lane) { -100 } else { 100 };
        *slot = if is_set(marks.hit.surely, lane) { size } else { 0 };
    }
    if marks.weak | marks.double != 0 {
        for (lane, slot) in slots.iter_mut().enumerate() {
            *slot = if is_set(marks.weak, lane) { *slot / 5 * 4 } else { *slot };
            *slot = if is_set(marks.double, lane) { *slot * 2 } else { *slot };
        }
    }
}
