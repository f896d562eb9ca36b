//! Closed time bars that change: a trade behind the frontier, a gap found or filled.

use super::Bar;
use super::frames::{Closed, Frame, Frames, Surroundings};
use crate::stream::output::{EventKind, EventRow};
use crate::stream::quality::Tick;

impl Frames {
    /// Take a trade behind the frontier in; false when one of its bars cannot be revised any more, and nothing changed.
    /// The bars that changed are given out by [`Self::show_revised`].
    #[cold]
    pub(crate) fn add_behind(&mut self, tick: &Tick, with: &Surroundings<'_>) -> bool {
        if tick.ts_event < with.oldest {
            return false;
        }
        let frontier = self.frontier;
        let mut pairs = with.terms.iter().zip(&self.frames);
        if !pairs.all(|(terms, frame)| frame.admits(terms.frame.start(tick.ts_event), terms.frame.end(tick.ts_event))) {
            return false;
        }
        // Frames whose forming bar holds the trade, or that will be handed one that does.
        let mut covered = vec![false; self.frames.len()];
        for (place, (terms, frame)) in with.terms.iter().zip(&mut self.frames).enumerate() {
            let handed = terms.source.and_then(|source| covered.get(source)).copied().unwrap_or(false);
            let span = (terms.frame.start(tick.ts_event), terms.frame.end(tick.ts_event));
            let forming = handed || frame.insert(tick, span, frontier);
            if let Some(slot) = covered.get_mut(place) {
                *slot = forming;
            }
        }
        self.set_deadline(with);
        true
    }

    /// Lowest and highest price of the finest bar that holds `ts`, or of the last one before it.
    pub(crate) fn around(&self, ts: i64) -> Option<(i64, i64)> {
        let finest = self.frames.first()?;
        let bars = finest.closed.iter().map(|closed| closed.bar).chain(finest.forming);
        bars.take_while(|bar| bar.start <= ts).last().map(|bar| (bar.low, bar.high))
    }

    /// Gaps after `since` changed: look again which bars are complete.
    pub(crate) fn gaps_changed(&mut self, since: i64, with: &Surroundings<'_>) {
        for frame in &mut self.frames {
            for closed in frame.closed.iter_mut().rev().take_while(|closed| closed.bar.end > since) {
                let incomplete = with.gaps.overlap(closed.bar.start, closed.bar.end);
                closed.dirty |= incomplete != closed.incomplete;
                closed.incomplete = incomplete;
            }
        }
    }

    /// Give out the bars that changed since they were given out, finest frame first, oldest first.
    pub(crate) fn show_revised(&mut self, ts_init: i64, with: &mut Surroundings<'_>) {
        for (terms, frame) in with.terms.iter().zip(&mut self.frames) {
            let Some(first) = frame.closed.iter().position(|closed| closed.dirty) else { continue };
            for closed in frame.closed.iter_mut().skip(first).filter(|closed| closed.dirty) {
                closed.incomplete = with.gaps.overlap(closed.bar.start, closed.bar.end);
                let row = closed.row(with.symbol, terms.bars, true);
                with.out.bar(&row);
                let mut event = EventRow::new(with.symbol, EventKind::Revision, closed.bar.end, ts_init);
                (event.bars, event.from, event.value) = (terms.bars, u64::from(closed.shown), closed.bar.start);
                with.out.event(&event);
                closed.dirty = false;
                closed.shown = closed.shown.saturating_add(1);
            }
            if let Some(Some(studies)) = with.studies.get_mut(usize::from(terms.bars)) {
                // The rows as they were just given out.
                let rows = frame.closed.iter().map(|closed| {
                    let shown = closed.shown.saturating_sub(1);
                    Closed { shown, ..*closed }.row(with.symbol, terms.bars, shown > 0)
                });
                studies.revise(rows, first, with.out);
            }
            frame.settle(terms.bars, with);
        }
    }
}

impl Frame {
    /// Whether a trade of this bucket can be taken in.
    fn admits(&self, start: i64, end: i64) -> bool {
        self.forming.is_some_and(|bar| bar.start <= start) || self.settled.is_none_or(|settled| end > settled)
    }

    /// Put a trade into the bar of its bucket; whether that bar still forms.
    fn insert(&mut self, tick: &Tick, (start, end): (i64, i64), frontier: i64) -> bool {
        match &mut self.forming {
            Some(bar) if bar.start == start => {
                bar.add(tick);
                return true;
            }
            None if end > frontier => {
                let mut bar = Bar::empty(start, end);
                bar.add(tick);
                self.forming = Some(bar);
                return true;
            }
            _ => {}
        }
        let place = self.closed.partition_point(|closed| closed.bar.start < start);
        match self.closed.get_mut(place) {
            Some(closed) if closed.bar.start == start => {
                closed.bar.add(tick);
                closed.dirty = true;
            }
            _ => {
                let mut bar = Bar::empty(start, end);
                bar.add(tick);
                self.closed.insert(place, Closed { bar, shown: 0, incomplete: false, dirty: true });
                self.next = Some(self.next.map_or(end, |next| next.max(end)));
            }
        }
        self.carry_on(place);
        false
    }

    /// Empty bars behind a changed one have its close.
    fn carry_on(&mut self, place: usize) {
        let Some(close) = self.closed.get(place).map(|closed| closed.bar.close) else { return };
        for closed in self.closed.iter_mut().skip(place + 1).take_while(|closed| closed.bar.trades == 0) {
            if closed.bar.close != close {
                closed.bar = Bar::carried(closed.bar.start, closed.bar.end, close);
                closed.dirty = true;
            }
        }
    }
}
