//! A book kept in step with a venue's stream, or a demand for a new snapshot: never a silent hole.
//!
//! States: waiting for a snapshot (updates are kept, at most [`Limits::buffered`]), live, broken (a reason, and nothing is believed
//! until the next snapshot; updates are kept again). The caller asks the venue for a snapshot when told [`Step::Resync`] and
//! hands it in as a [`DepthUpdate`] with `snapshot` set; venues that begin with one do so by themselves.
//!
//! # Rules ([`Chain`])
//! - After a snapshot of id `s`, updates that end at or before `s` are dropped; the first one applied must reach over it:
//!   `U <= s + 1 <= u`, of chains that tell the id before `pu <= s <= u` (a snapshot of USD-M futures is inside an update).
//! - After that each update must follow the one before by the venue's rule; a gap breaks the book. One that ends at or before
//!   the last is a repetition: dropped and counted.
//! - A level that is no whole number of ticks or lots, a quantity below zero, a checksum that differs, or a book crossed or locked
//!   for more than [`Limits::crossed`] updates breaks it too.
//!
//! An update is applied whole or not at all. O(levels changed), O(book's top) with a checksum.

mod checksum;
mod terms;

pub use checksum::{Checksum, crc32};
pub use terms::{Broken, Chain, Limits, Step, SyncCounts, SyncState};

use std::collections::VecDeque;

use super::event::{DepthUpdate, Level};
use crate::book::{Depth, DepthError, Lots, Ticks};
use crate::types::{Price, Quantity, Side};

#[derive(Clone, Debug)]
struct Kept {
    first_update: u64,
    last_update: u64,
    previous_update: Option<u64>,
    checksum: Option<u32>,
    bids: Vec<(Ticks, Lots)>,
    asks: Vec<(Ticks, Lots)>,
}

/// Keeps one book in step.
#[derive(Clone, Debug)]
pub struct DepthSync {
    chain: Chain,
    tick_size: Price,
    lot_size: Quantity,
    limits: Limits,
    checksum: Option<Checksum>,
    levels: usize,
    state: SyncState,
    depth: Depth,
    /// Id of the last update applied, by the venue's numbers.
    last: u64,
    /// Whether the next update is the first after a snapshot.
    first: bool,
    crossed: u32,
    kept: VecDeque<Kept>,
    counts: SyncCounts,
    bids: Vec<(Ticks, Lots)>,
    asks: Vec<(Ticks, Lots)>,
}

impl DepthSync {
    /// Waiting for a snapshot. Prices and quantities of updates must be whole numbers of these steps.
    #[must_use]
    pub fn new(chain: Chain, tick_size: Price, lot_size: Quantity, limits: Limits) -> Self {
        Self {
            chain,
            tick_size,
            lot_size,
            limits,
            checksum: None,
            levels: usize::MAX,
            state: SyncState::Waiting,
            depth: Depth::new(),
            last: 0,
            first: true,
            crossed: 0,
            kept: VecDeque::new(),
            counts: SyncCounts::default(),
            bids: Vec::new(),
            asks: Vec::new(),
        }
    }

    /// Compare the venue's checksums, which updates carry, with the book's own.
    #[must_use]
    pub fn with_checksum(self, checksum: Checksum) -> Self {
        Self { checksum: Some(checksum), ..self }
    }

    /// Keep the best levels of a side only: a venue that streams so many (Kraken) does not say when one leaves them.
    #[must_use]
    pub fn with_levels(self, levels: usize) -> Self {
        Self { levels, ..self }
    }

    /// The book. Only believe it while [`DepthSync::is_live`].
    #[must_use]
    pub const fn depth(&self) -> &Depth {
        &self.depth
    }

    /// Whether the book is in step.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.state == SyncState::Live
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> SyncState {
        self.state
    }

    /// Exact counts.
    #[must_use]
    pub const fn counts(&self) -> SyncCounts {
        self.counts
    }

    /// Updates kept for the snapshot.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.kept.len()
    }

    /// The venue's id of the last update in the book.
    #[must_use]
    pub const fn last_update(&self) -> u64 {
        self.last
    }

    /// A message of this book was lost or could not be read: the book is broken, unless it waits anyway.
    pub fn lost(&mut self) -> Step {
        match self.state {
            SyncState::Live => self.break_off(Broken::Lost),
            SyncState::Waiting | SyncState::Broken(_) => {
                // What was kept may have the hole in it.
                self.counts.overflowed += self.kept.len() as u64;
                self.kept.clear();
                Step::Resync(Broken::Lost)
            }
        }
    }

    /// A new connection: what was kept belongs to the old one, the book waits for a snapshot.
    pub fn reconnected(&mut self) {
        self.counts.overflowed += self.kept.len() as u64;
        self.kept.clear();
        (self.state, self.crossed) = (SyncState::Waiting, 0);
    }

    /// Take an update or a snapshot.
    pub fn apply(&mut self, update: &DepthUpdate<'_>) -> Step {
        if update.snapshot {
            return self.take_snapshot(update);
        }
        self.counts.received += 1;
        let (mut bids, mut asks) = (std::mem::take(&mut self.bids), std::mem::take(&mut self.asks));
        let converted = self.convert(update, &mut bids, &mut asks);
        match converted {
            Err(broken) => {
                self.counts.breaking += 1;
                // A kept one would be missing after the snapshot.
                self.counts.overflowed += self.kept.len() as u64;
                self.kept.clear();
                self.break_off(broken)
            }
            Ok(()) => {
                let kept = Kept {
                    first_update: update.first_update,
                    last_update: update.last_update,
                    previous_update: update.previous_update,
                    checksum: update.checksum,
                    bids,
                    asks,
                };
                let step = if self.is_live() { self.follow(&kept) } else { Ok(Step::Buffered) };
                match step {
                    Ok(Step::Buffered) => self.keep(kept),
                    Ok(step) => {
                        self.count(step);
                        (self.bids, self.asks) = (kept.bids, kept.asks);
                        step
                    }
                    Err(broken) => {
                        let step = self.break_off(broken);
                        // After a gap this update may follow the snapshot that repairs it.
                        if matches!(broken, Broken::Gap { .. }) {
                            self.keep(kept);
                        } else {
                            self.counts.breaking += 1;
                        }
                        step
                    }
                }
            }
        }
    }

    fn count(&mut self, step: Step) {
        match step {
            Step::Applied => self.counts.applied += 1,
            Step::Dropped => self.counts.dropped += 1,
            Step::Buffered | Step::Synced { .. } | Step::Resync(_) => {}
        }
    }

    fn keep(&mut self, kept: Kept) -> Step {
        // Without ids nothing tells what a snapshot already holds; it comes in the same stream and after them.
        if self.chain == Chain::None || self.limits.buffered == 0 {
            self.counts.dropped += 1;
            return Step::Dropped;
        }
        if self.kept.len() >= self.limits.buffered {
            self.kept.pop_front();
            self.counts.overflowed += 1;
        }
        self.kept.push_back(kept);
        Step::Buffered
    }

    fn break_off(&mut self, broken: Broken) -> Step {
        self.counts.resyncs += 1;
        self.state = SyncState::Broken(broken);
        Step::Resync(broken)
    }

    fn convert(
        &self,
        update: &DepthUpdate<'_>,
        bids: &mut Vec<(Ticks, Lots)>,
        asks: &mut Vec<(Ticks, Lots)>,
    ) -> Result<(), Broken> {
        let level = |(price, quantity): &Level| {
            let ticks = Ticks::from_price(*price, self.tick_size).map_err(Broken::Step)?;
            let lots = Lots::from_quantity(*quantity, self.lot_size).map_err(Broken::Step)?;
            if lots < Lots::ZERO {
                return Err(Broken::Level(DepthError::BadQuantity { price: ticks.0, quantity: lots.0 }));
            }
            Ok((ticks, lots))
        };
        for (to, from) in [(bids, update.bids), (asks, update.asks)] {
            to.clear();
            for entry in from {
                to.push(level(entry)?);
            }
        }
        if update.first_update > update.last_update {
            let (first_update, last_update) = (update.first_update, update.last_update);
            return Err(Broken::BadRange { first_update, last_update });
        }
        Ok(())
    }

    fn take_snapshot(&mut self, update: &DepthUpdate<'_>) -> Step {
        let (mut bids, mut asks) = (std::mem::take(&mut self.bids), std::mem::take(&mut self.asks));
        let converted = self.convert(update, &mut bids, &mut asks);
        let taken = converted.and_then(|()| {
            // The book's own ids are counted from 1: venues may have none.
            self.depth.snapshot(1, &bids, &asks).map_err(Broken::Level)
        });
        (self.bids, self.asks) = (bids, asks);
        if let Err(broken) = taken {
            return self.break_off(broken);
        }
        self.counts.snapshots += 1;
        (self.state, self.last, self.first, self.crossed) = (SyncState::Live, update.last_update, true, 0);
        if let Err(broken) = self.check(update.checksum) {
            return self.break_off(broken);
        }
        // Kept ones may have come in another order than they follow each other.
        self.kept.make_contiguous().sort_by_key(|kept| kept.last_update);
        let mut applied = 0;
        while let Some(kept) = self.kept.pop_front() {
            match self.follow(&kept) {
                Ok(step) => {
                    applied += usize::from(step == Step::Applied);
                    self.count(step);
                }
                Err(broken) => {
                    // The next snapshot may be older than what follows: keep it.
                    let again = matches!(broken, Broken::Gap { .. });
                    let step = self.break_off(broken);
                    if again {
                        self.kept.push_front(kept);
                    } else {
                        self.counts.breaking += 1;
                    }
                    return step;
                }
            }
        }
        Step::Synced { applied }
    }

    /// Whether the update follows, is old, or leaves a gap.
    fn order(&self, kept: &Kept) -> Result<bool, Broken> {
        let gap = |from: u64, to: u64| Broken::Gap { from, to: to.max(from) };
        let (first, last, next) = (kept.first_update, kept.last_update, self.last.saturating_add(1));
        match self.chain {
            Chain::None => Ok(true),
            Chain::Rising => Ok(last > self.last),
            // Also where ids start again below (OKX's maintenance): the one before is told.
            Chain::Previous if kept.previous_update == Some(self.last) => Ok(true),
            _ if last <= self.last => Ok(false),
            Chain::Range | Chain::Step if first > next => Err(gap(next, first - 1)),
            // A range that begins inside what is known follows a snapshot only.
            Chain::Range if first < next && !self.first => Err(gap(next, last)),
            Chain::Range | Chain::Step => Ok(true),
            Chain::Previous => {
                let previous = kept.previous_update.ok_or(Broken::NoPrevious { last_update: last })?;
                // The first one after a snapshot may reach over it: it says all that changed since `previous`.
                if self.first && previous < self.last { Ok(true) } else { Err(gap(next, previous)) }
            }
        }
    }

    fn follow(&mut self, kept: &Kept) -> Result<Step, Broken> {
        if !self.order(kept)? {
            return Ok(Step::Dropped);
        }
        let own = self.depth.last_update().saturating_add(1);
        self.depth.update(own, &kept.bids, &kept.asks).map_err(Broken::Level)?;
        self.cut()?;
        (self.last, self.first) = (kept.last_update, false);
        self.check(kept.checksum)?;
        Ok(Step::Applied)
    }

    /// Take out the levels beyond those that the venue streams.
    fn cut(&mut self) -> Result<(), Broken> {
        for side in [Side::Buy, Side::Sell] {
            while self.depth.level_count(side) > self.levels {
                let beyond: Vec<_> =
                    self.depth.levels(side).skip(self.levels).map(|level| (level.price, Lots::ZERO)).collect();
                let own = self.depth.last_update().saturating_add(1);
                let (bids, asks) = if side.is_buy() { (&beyond[..], &[][..]) } else { (&[][..], &beyond[..]) };
                self.depth.update(own, bids, asks).map_err(Broken::Level)?;
            }
        }
        Ok(())
    }

    /// Crossed for too long, or another book than the venue's.
    fn check(&mut self, theirs: Option<u32>) -> Result<(), Broken> {
        if let (Some(checksum), Some(theirs)) = (self.checksum, theirs) {
            let ours = checksum.of(&self.depth, self.tick_size, self.lot_size).map_err(Broken::Step)?;
            if ours != theirs {
                return Err(Broken::Checksum { ours, theirs });
            }
        }
        match (self.depth.best_bid(), self.depth.best_ask()) {
            (Some(bid), Some(ask)) if bid.price >= ask.price => {
                self.crossed += 1;
                if self.crossed > self.limits.crossed {
                    return Err(Broken::Crossed { bid: bid.price.0, ask: ask.price.0, updates: self.crossed });
                }
            }
            _ => self.crossed = 0,
        }
        Ok(())
    }
}
