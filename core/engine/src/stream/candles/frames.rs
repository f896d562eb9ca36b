//! Time bars of one symbol, all frames at once.
//!
//! A trade enters the finest frame only; a bar that closes is merged into the coarser frames whose buckets are made of its
//! own. So a trade costs one comparison with the next deadline and one bar, however many frames there are, and a coarser bar
//! is the roll-up of finer ones by construction. Frames that fit into none before them take the trades themselves.
//!
//! A bar closes when time has passed its end: a trade exactly at the end opens the next one. Bars that end together are
//! given out finest first. Closed bars stay for a while, so that a late trade can revise them (`revise.rs`).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Bar, Studies};
use crate::stream::event::SymbolId;
use crate::stream::output::{BarRow, EventKind, EventRow, Output, flags};
use crate::stream::processor::{BarKind, BarPlan, EmptyBars};
use crate::stream::quality::{Gaps, Tick};
use crate::stream::timeframe::Timeframe;

/// How long before a bar ends, by the venue's clock, what its close needs is fetched into the cache.
const AHEAD: i64 = 20_000_000;

/// A frame of a processor, in ascending order of length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameTerms {
    pub(crate) frame: Timeframe,
    /// Its place among the configured bars.
    pub(crate) bars: u16,
    /// The frame whose closed bars it is made of, by place among the frames; none for those that take trades.
    pub(crate) source: Option<usize>,
}

impl FrameTerms {
    /// The frames among the configured bars.
    pub(crate) fn of(plans: &[BarPlan]) -> Vec<Self> {
        let numbered = (0_u16..).zip(plans);
        let mut frames: Vec<Self> = numbered
            .filter_map(|(bars, plan)| match plan.kind {
                BarKind::Time(frame) => Some(Self { frame, bars, source: None }),
                _ => None,
            })
            .collect();
        frames.sort_by_key(|terms| (terms.frame.nominal(), terms.bars));
        let finer = frames.clone();
        for (place, terms) in frames.iter_mut().enumerate() {
            // The longest one that fits, so that the fewest bars are merged.
            terms.source = finer.iter().take(place).rposition(|source| terms.frame.holds(source.frame));
        }
        frames
    }
}

/// A closed bar that may still change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closed {
    pub(super) bar: Bar,
    /// How often it was given out.
    pub(super) shown: u32,
    pub(super) incomplete: bool,
    /// Changed since it was given out.
    pub(super) dirty: bool,
}

impl Closed {
    pub(super) fn row(&self, symbol: SymbolId, bars: u16, revised: bool) -> BarRow {
        let incomplete = if self.incomplete { flags::INCOMPLETE } else { 0 };
        let carried = if self.bar.trades == 0 { flags::CARRIED } else { 0 };
        let revised = if revised { flags::REVISED } else { 0 };
        self.bar.row(symbol.0, bars, incomplete | carried | revised, self.shown)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Frame {
    pub(super) forming: Option<Bar>,
    /// Oldest first.
    pub(super) closed: VecDeque<Closed>,
    /// Bars that end here or before cannot be revised; none before the first left.
    pub(super) settled: Option<i64>,
    /// Close of the last of those.
    pub(super) settled_close: i64,
    /// Where the bar after the last closed one begins; none before the first closed.
    pub(super) next: Option<i64>,
}

/// What a call works with.
pub(crate) struct Surroundings<'a> {
    pub(crate) terms: &'a [FrameTerms],
    pub(crate) symbol: SymbolId,
    pub(crate) empty_bars: EmptyBars,
    pub(crate) most_carried: u32,
    pub(crate) revision_bars: usize,
    /// Bars that end here or before are settled.
    pub(crate) oldest: i64,
    pub(crate) gaps: &'a Gaps,
    /// By place among the configured bars.
    pub(crate) studies: &'a mut [Option<Studies>],
    pub(crate) out: &'a mut Output,
}

/// The time bars of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frames {
    pub(super) frames: Vec<Frame>,
    /// The first time at which a bar closes.
    deadline: i64,
    /// Before it there is nothing to do about closing: a little before the deadline, then the deadline.
    alert: i64,
    /// All bars that end here or before are closed, and no trade taken in order is later.
    pub(super) frontier: i64,
}

impl Frames {
    pub(crate) fn new(count: usize) -> Self {
        Self { frames: vec![Frame::default(); count], deadline: i64::MAX, alert: i64::MAX, frontier: i64::MIN }
    }

    /// Trades before this time are out of order.
    #[inline]
    pub(crate) const fn frontier(&self) -> i64 {
        self.frontier
    }

    /// Whether a bar ends at `ts`, before it or soon after: then [`Self::pass`] has something to do.
    #[inline]
    pub(crate) const fn is_due(&self, ts: i64) -> bool {
        ts >= self.alert
    }

    /// Take a trade at or after the frontier in, once [`Self::pass`] has closed what was due at its time.
    #[inline]
    pub(crate) fn add(&mut self, tick: &Tick, terms: &[FrameTerms]) {
        self.frontier = tick.ts_event;
        for (terms, frame) in terms.iter().zip(&mut self.frames) {
            if terms.source.is_some() {
                continue;
            }
            if let Some(bar) = &mut frame.forming {
                bar.add(tick);
            } else {
                let mut bar = Bar::empty(terms.frame.start(tick.ts_event), terms.frame.end(tick.ts_event));
                bar.add(tick);
                if bar.end < self.deadline {
                    self.deadline = bar.end;
                    self.alert = bar.end.saturating_sub(AHEAD);
                }
                frame.forming = Some(bar);
            }
        }
    }

    /// It is `now` by the venue's clock: close what has ended.
    pub(crate) fn pass(&mut self, now: i64, with: &mut Surroundings<'_>) {
        if now >= self.deadline {
            self.close_until(now, with);
        } else if now >= self.alert {
            self.prepare(with);
        }
        self.frontier = self.frontier.max(now);
    }

    /// Bars are about to close, and what that works with was last used at the last close: work on it without a change, so
    /// that the trade which closes them does not wait for the memory.
    #[cold]
    fn prepare(&mut self, with: &Surroundings<'_>) {
        self.alert = self.deadline;
        with.out.prepare();
        for (terms, frame) in with.terms.iter().zip(&self.frames) {
            std::hint::black_box((frame.forming, frame.closed.front().copied()));
            let Some(bar) = frame.forming.filter(|bar| bar.end == self.deadline) else { continue };
            if let Some(Some(studies)) = with.studies.get(usize::from(terms.bars)) {
                studies.prepare(&bar.row(with.symbol.0, terms.bars, 0, 0));
            }
        }
    }

    #[cold]
    fn close_until(&mut self, now: i64, with: &mut Surroundings<'_>) {
        while let Some((end, place)) = self.next_end(with) {
            if end > now {
                break;
            }
            self.close(place, end, now, with);
        }
        self.set_deadline(with);
    }

    pub(super) fn set_deadline(&mut self, with: &Surroundings<'_>) {
        self.deadline = self.next_end(with).map_or(i64::MAX, |(end, _)| end);
        self.alert = self.deadline.saturating_sub(AHEAD);
    }

    /// The earliest end of a bar that forms or will be carried; of equal ones the finest.
    fn next_end(&self, with: &Surroundings<'_>) -> Option<(i64, usize)> {
        let ends = self.frames.iter().zip(with.terms).enumerate().filter_map(|(place, (frame, terms))| {
            let carried = || match with.empty_bars {
                EmptyBars::None => None,
                EmptyBars::Carry => frame.next.map(|start| terms.frame.end(start)),
            };
            frame.forming.map(|bar| bar.end).or_else(carried).map(|end| (end, place))
        });
        ends.min()
    }

    /// Close the bar of a frame that ends at `end`, or carry an empty one.
    fn close(&mut self, place: usize, end: i64, now: i64, with: &mut Surroundings<'_>) {
        let (Some(frame), Some(terms)) = (self.frames.get_mut(place), with.terms.get(place)) else { return };
        let bar = match (frame.forming.take(), frame.next) {
            (Some(bar), _) => bar,
            (None, Some(start)) => {
                let skipped = (now - start) / terms.frame.nominal();
                if skipped > i64::from(with.most_carried) {
                    let mut event = EventRow::new(with.symbol, EventKind::Skipped, start, now);
                    (event.bars, event.from, event.value) = (terms.bars, skipped.unsigned_abs(), start);
                    with.out.event(&event);
                    frame.next = Some(terms.frame.start(now));
                    return;
                }
                let close = frame.closed.back().map_or(frame.settled_close, |last| last.bar.close);
                Bar::carried(start, end, close)
            }
            (None, None) => return,
        };
        frame.next = Some(end);
        let closed = Closed { bar, shown: 0, incomplete: with.gaps.overlap(bar.start, bar.end), dirty: false };
        let row = closed.row(with.symbol, terms.bars, false);
        with.out.bar(&row);
        if let Some(Some(studies)) = with.studies.get_mut(usize::from(terms.bars)) {
            studies.close(&row, with.out);
        }
        frame.closed.push_back(Closed { shown: 1, ..closed });
        frame.settle(terms.bars, with);
        if bar.trades > 0 {
            for (terms, coarser) in with.terms.iter().zip(&mut self.frames) {
                if terms.source == Some(place) {
                    let frame = terms.frame;
                    let begin = || Bar::empty(frame.start(bar.start), frame.end(bar.start));
                    coarser.forming.get_or_insert_with(begin).merge(&bar);
                }
            }
        }
    }

    /// The bar that forms, with what its finer frames have not handed on.
    pub(crate) fn forming(&self, bars: u16, symbol: SymbolId, terms: &[FrameTerms]) -> Option<BarRow> {
        let mut place = terms.iter().position(|terms| terms.bars == bars)?;
        let target = terms.get(place)?.frame;
        let mut whole: Option<Bar> = None;
        loop {
            let (frame, own) = (self.frames.get(place)?, terms.get(place)?);
            if let Some(bar) = frame.forming {
                let begin = || Bar::empty(target.start(bar.start), target.end(bar.start));
                let sum = whole.get_or_insert_with(begin);
                // A finer bar may already belong to the bucket after.
                if bar.start < sum.end {
                    sum.merge(&bar);
                }
            }
            match own.source {
                Some(source) => place = source,
                None => break,
            }
        }
        whole.map(|bar| bar.row(symbol.0, bars, flags::PARTIAL, 0))
    }

    /// The stream ended: give the forming bars out as they are.
    pub(crate) fn finish(&mut self, with: &mut Surroundings<'_>) {
        let rows: Vec<BarRow> =
            with.terms.iter().filter_map(|terms| self.forming(terms.bars, with.symbol, with.terms)).collect();
        for row in rows {
            let gap = if with.gaps.overlap(row.ts_open, row.ts_event) { flags::INCOMPLETE } else { 0 };
            with.out.bar(&BarRow { flags: row.flags | gap, ..row });
        }
        self.frames.iter_mut().for_each(|frame| frame.forming = None);
        (self.deadline, self.alert) = (i64::MAX, i64::MAX);
    }
}

impl Frame {
    /// Let bars go that cannot be revised any more.
    pub(super) fn settle(&mut self, bars: u16, with: &mut Surroundings<'_>) {
        while let Some(oldest) = self.closed.front() {
            if self.closed.len() <= with.revision_bars && oldest.bar.end > with.oldest {
                break;
            }
            if let Some(Some(studies)) = with.studies.get_mut(usize::from(bars)) {
                studies.settle(&oldest.row(with.symbol, bars, false));
            }
            (self.settled, self.settled_close) = (Some(oldest.bar.end), oldest.bar.close);
            self.closed.pop_front();
        }
    }
}
