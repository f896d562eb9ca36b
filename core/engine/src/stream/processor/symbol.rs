//! What a processor knows of one symbol, and the way of a trade through it.
//!
//! Arrival: form, time, id. Then, in the order of time: gap, halt, spike, bars.

use serde::{Deserialize, Serialize};

use super::config::{BarKind, ProcessorConfig, SpikeRule};
use super::counters::Counters;
use crate::stream::candles::{FrameTerms, Frames, Information, Studies, Surroundings};
use crate::stream::event::SymbolId;
use crate::stream::output::{EventKind, EventRow, Output, Reason, TradeRow, flags};
use crate::stream::parse::TradeIds;
use crate::stream::quality::{Gap, Gaps, Judgement, Quarantine, Reorder, Seen, Silence, Skew, Spike, Tick};

use super::quotes::Top;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted.
    Ok,
    /// Came before.
    Duplicate,
    /// Too late.
    Late,
    /// Refused.
    Bad(Reason),
    /// Kept aside.
    Quarantined(Reason),
    /// What comes next decides.
    Waiting,
}

/// The state of one symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SymbolState {
    pub(super) counters: Counters,
    pub(super) halted: bool,
    /// Highest time of a valid trade.
    pub(super) newest: i64,
    /// When it came, on our clock.
    pub(super) newest_at: i64,
    /// No trade before it is waited for.
    pub(super) watermark: i64,
    pub(super) skew: Skew,
    pub(super) silence: Silence,
    pub(super) seen: Seen,
    pub(super) reorder: Reorder,
    pub(super) gaps: Gaps,
    pub(super) spike: Spike,
    pub(super) frames: Frames,
    pub(super) information: Vec<Information>,
    pub(super) top: Top,
    /// Whether closed bars changed and were not given out again yet.
    pub(super) revised: bool,
}

/// What all symbols share while an event is worked on.
pub(super) struct Shared<'a> {
    pub(super) config: &'a ProcessorConfig,
    pub(super) terms: &'a [FrameTerms],
    pub(super) information: &'a [(u16, BarKind)],
    pub(super) symbol: SymbolId,
    pub(super) studies: &'a mut [Option<Studies>],
    pub(super) quarantine: &'a mut Quarantine,
    pub(super) out: &'a mut Output,
    pub(super) scratch: &'a mut Vec<Tick>,
}

macro_rules! surroundings {
    ($state:ident, $shared:ident) => {
        Surroundings {
            terms: $shared.terms,
            symbol: $shared.symbol,
            empty_bars: $shared.config.empty_bars,
            most_carried: $shared.config.most_carried,
            revision_bars: $shared.config.revision_bars,
            oldest: $state.watermark.saturating_sub($shared.config.revision_window),
            gaps: &$state.gaps,
            studies: &mut *$shared.studies,
            out: &mut *$shared.out,
        }
    };
}
pub(super) use surroundings;

impl SymbolState {
    pub(super) fn new(config: &ProcessorConfig, frames: usize, information: usize) -> Self {
        Self {
            counters: Counters::default(),
            halted: false,
            newest: i64::MIN,
            newest_at: i64::MIN,
            watermark: i64::MIN,
            skew: Skew::default(),
            silence: Silence::new(),
            seen: Seen::new(config.dedupe_window),
            reorder: Reorder::new(config.reorder_capacity),
            gaps: Gaps::new(config.gap_capacity),
            spike: Spike::new(),
            frames: Frames::new(frames),
            information: vec![Information::new(); information],
            top: Top::default(),
            revised: false,
        }
    }

    /// A valid trade with a new id, in the order of arrival.
    #[inline]
    pub(super) fn arrive(&mut self, tick: &Tick, shared: &mut Shared<'_>) -> Outcome {
        if tick.ts_event > self.newest {
            (self.newest, self.newest_at) = (tick.ts_event, tick.ts_init);
        }
        if shared.config.lateness == 0 {
            self.watermark = self.watermark.max(self.newest);
            return self.leave(tick, shared);
        }
        self.watermark = self.watermark.max(self.newest.saturating_sub(shared.config.lateness));
        if tick.ts_event < self.watermark {
            let outcome = self.leave(tick, shared);
            self.drain(shared);
            return outcome;
        }
        self.counters.trades.waiting += 1;
        if let Some(hurried) = self.reorder.push(*tick) {
            self.counters.hurried += 1;
            let mut event = EventRow::new(shared.symbol, EventKind::Hurried, hurried.ts_event, tick.ts_init);
            event.from = hurried.id;
            shared.out.event(&event);
            self.counters.trades.waiting -= 1;
            let _counted = self.leave(&hurried, shared);
        }
        self.drain(shared);
        Outcome::Waiting
    }

    /// Let every trade before the watermark go, then close what has ended.
    pub(super) fn drain(&mut self, shared: &mut Shared<'_>) {
        while let Some(tick) = self.reorder.pop(self.watermark) {
            self.counters.trades.waiting -= 1;
            let _counted = self.leave(&tick, shared);
        }
        // A bar that a suspect may belong to stays open.
        let suspects = self.spike.suspects().iter().map(|suspect| suspect.ts_event);
        let closing = suspects.fold(self.watermark, i64::min);
        self.frames.pass(closing, &mut surroundings!(self, shared));
    }

    /// A trade in the order of time: gap, halt, spike, bars.
    #[inline]
    pub(super) fn leave(&mut self, tick: &Tick, shared: &mut Shared<'_>) -> Outcome {
        let mut trusted = false;
        if shared.config.trade_ids == TradeIds::Consecutive {
            if self.gaps.last().is_none_or(|last| tick.id > last) {
                if let Some(gap) = self.gaps.pass(tick.id, tick.ts_event) {
                    self.missed(&gap, tick, shared);
                }
            } else {
                trusted = self.filled(tick, shared);
            }
        }
        if self.halted {
            return self.quarantine(*tick, Reason::Halted, shared);
        }
        let Some(rule) = shared.config.spike else { return self.settle(tick, 0, shared) };
        if tick.ts_event < self.frames.frontier() {
            if !trusted && self.strays(tick, rule) {
                return self.quarantine(*tick, Reason::Spike, shared);
            }
            return self.settle(tick, 0, shared);
        }
        match self.spike.judge(tick, rule) {
            Judgement::Good => self.settle(tick, 0, shared),
            Judgement::Waits => {
                self.counters.trades.waiting += 1;
                Outcome::Waiting
            }
            Judgement::Spikes => {
                self.decide(false, shared);
                self.settle(tick, 0, shared)
            }
            Judgement::Move => {
                self.decide(true, shared);
                self.settle(tick, 0, shared)
            }
        }
    }

    /// The suspects are good, or they are not.
    pub(super) fn decide(&mut self, good: bool, shared: &mut Shared<'_>) {
        let mut suspects = std::mem::take(shared.scratch);
        self.spike.take_suspects(&mut suspects);
        for suspect in &suspects {
            self.counters.trades.waiting -= 1;
            let _counted =
                if good { self.settle(suspect, 0, shared) } else { self.quarantine(*suspect, Reason::Spike, shared) };
        }
        *shared.scratch = suspects;
    }

    /// A trade behind the frontier is compared with the bars of its time: nothing that comes after it can judge it.
    fn strays(&mut self, tick: &Tick, rule: SpikeRule) -> bool {
        let Some((low, high)) = self.frames.around(tick.ts_event) else { return false };
        let reach = self.spike.reach(rule);
        tick.price < low.saturating_sub(reach) || tick.price > high.saturating_add(reach)
    }

    /// Into the bars and out.
    #[inline]
    pub(super) fn settle(&mut self, tick: &Tick, more: u8, shared: &mut Shared<'_>) -> Outcome {
        let mut bits = more;
        if tick.ts_event >= self.frames.frontier() {
            if self.frames.is_due(tick.ts_event) {
                self.frames.pass(tick.ts_event, &mut surroundings!(self, shared));
            }
            self.frames.add(tick, shared.terms);
        } else if self.frames.add_behind(tick, &surroundings!(self, shared)) {
            self.revised = true;
            self.counters.behind += 1;
            bits |= flags::BEHIND;
        } else {
            self.late(tick, shared);
            return Outcome::Late;
        }
        for (forming, (bars, kind)) in self.information.iter_mut().zip(shared.information) {
            let studies = shared.studies.get_mut(usize::from(*bars)).and_then(Option::as_mut);
            forming.add(tick, *kind, (shared.symbol.0, *bars), studies, shared.out);
        }
        shared.out.trade(&TradeRow { trade: tick.trade(shared.symbol), flags: bits });
        self.counters.trades.ok += 1;
        Outcome::Ok
    }

    #[cold]
    pub(super) fn late(&mut self, tick: &Tick, shared: &mut Shared<'_>) {
        self.counters.trades.late += 1;
        let mut event = EventRow::new(shared.symbol, EventKind::Late, tick.ts_event, tick.ts_init);
        (event.from, event.price, event.quantity) = (tick.id, tick.price, tick.quantity);
        event.value = self.watermark.saturating_sub(tick.ts_event);
        shared.out.event(&event);
    }

    #[cold]
    fn missed(&mut self, gap: &Gap, tick: &Tick, shared: &mut Shared<'_>) {
        self.counters.gaps += 1;
        self.counters.missing = self.counters.missing.saturating_add(gap.to - gap.from + 1);
        let mut event = EventRow::new(shared.symbol, EventKind::Gap, tick.ts_event, tick.ts_init);
        (event.from, event.to, event.value) = (gap.from, gap.to, gap.until.saturating_sub(gap.since));
        shared.out.event(&event);
        self.information.iter_mut().for_each(Information::hole);
        self.frames.gaps_changed(gap.since, &surroundings!(self, shared));
        self.revised = true;
    }

    /// Whether the trade was one of those missing.
    #[cold]
    fn filled(&mut self, tick: &Tick, shared: &mut Shared<'_>) -> bool {
        if !self.gaps.misses(tick.id) {
            return false;
        }
        self.counters.filled += 1;
        if let Some(gap) = self.gaps.fill(tick.id) {
            let mut event = EventRow::new(shared.symbol, EventKind::GapFilled, tick.ts_event, tick.ts_init);
            (event.from, event.to) = (gap.from, gap.to);
            shared.out.event(&event);
            self.frames.gaps_changed(gap.since, &surroundings!(self, shared));
            self.revised = true;
        }
        true
    }

    #[cold]
    pub(super) fn quarantine(&mut self, tick: Tick, reason: Reason, shared: &mut Shared<'_>) -> Outcome {
        self.counters.trades.quarantined += 1;
        let (key, evicted) = shared.quarantine.keep(shared.symbol, tick, reason);
        let mut event = EventRow::new(shared.symbol, EventKind::Quarantined, tick.ts_event, tick.ts_init);
        (event.from, event.to, event.price, event.quantity) = (tick.id, key, tick.price, tick.quantity);
        event.reason = reason;
        shared.out.event(&event);
        if let Some(kept) = evicted {
            super::aside::report(&kept, EventKind::Evicted, shared.out);
        }
        Outcome::Quarantined(reason)
    }

    /// Give revised bars out.
    #[inline]
    pub(super) fn show(&mut self, ts_init: i64, shared: &mut Shared<'_>) {
        if self.revised {
            self.revised = false;
            self.frames.show_revised(ts_init, &mut surroundings!(self, shared));
        }
    }
}
