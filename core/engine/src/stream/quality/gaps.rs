//! Rule 2: trade ids that are missing, from the moment they are missed until the last of them has come.
//!
//! Ids are looked at in the order of time, after reordering, so a permuted stream has no gap. A bar is incomplete while a
//! gap that is not filled overlaps it. Bounded: beyond `capacity` the oldest gap is given up, and its span stays incomplete.

use serde::{Deserialize, Serialize};

/// Holes a gap may fall into on average while it is filled out of order.
const HOLES_A_GAP: usize = 64;

/// Missing ids, and when they happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Time of the trade before, ns.
    pub(crate) since: i64,
    /// Time of the trade after, ns.
    pub(crate) until: i64,
    missing: u64,
}

/// A run of ids of a gap that have not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hole {
    from: u64,
    to: u64,
    /// First id of its gap, which names it.
    gap: u64,
}

/// The gaps of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gaps {
    /// Id and time of the highest trade so far.
    last: Option<(u64, i64)>,
    gaps: Vec<Gap>,
    holes: Vec<Hole>,
    capacity: usize,
    /// The span of gaps that were given up.
    forgotten: Option<(i64, i64)>,
}

impl Gaps {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { last: None, gaps: Vec::new(), holes: Vec::new(), capacity, forgotten: None }
    }

    /// A trade above all before; the gap in front of it.
    #[inline]
    pub(crate) fn pass(&mut self, id: u64, ts: i64) -> Option<Gap> {
        let before = self.last.replace((id, ts));
        match before {
            Some((last, since)) if id > last.saturating_add(1) => {
                let gap = Gap { from: last + 1, to: id - 1, since, until: ts.max(since), missing: id - last - 1 };
                self.remember(gap);
                Some(gap)
            }
            _ => None,
        }
    }

    /// Highest id so far.
    #[inline]
    pub(crate) const fn last(&self) -> Option<u64> {
        match self.last {
            Some((id, _)) => Some(id),
            None => None,
        }
    }

    fn remember(&mut self, gap: Gap) {
        if self.gaps.len() >= self.capacity && !self.gaps.is_empty() {
            let oldest = self.gaps.remove(0);
            self.give_up(&oldest);
        }
        self.gaps.push(gap);
        self.holes.push(Hole { from: gap.from, to: gap.to, gap: gap.from });
    }

    fn give_up(&mut self, gap: &Gap) {
        self.holes.retain(|hole| hole.gap != gap.from);
        self.forgotten = Some(match self.forgotten {
            None => (gap.since, gap.until),
            Some((since, until)) => (since.min(gap.since), until.max(gap.until)),
        });
    }

    /// Whether this id is missing.
    pub(crate) fn misses(&self, id: u64) -> bool {
        self.holes.iter().any(|hole| (hole.from..=hole.to).contains(&id))
    }

    /// A missing trade came; its gap when that was the last of it.
    pub(crate) fn fill(&mut self, id: u64) -> Option<Gap> {
        let place = self.holes.iter().position(|hole| (hole.from..=hole.to).contains(&id))?;
        let hole = self.holes.remove(place);
        if hole.from < id {
            self.holes.push(Hole { to: id - 1, ..hole });
        }
        if id < hole.to {
            self.holes.push(Hole { from: id + 1, ..hole });
        }
        let place = self.gaps.iter().position(|gap| gap.from == hole.gap)?;
        let gap = self.gaps.get_mut(place)?;
        gap.missing -= 1;
        if gap.missing == 0 {
            return Some(self.gaps.remove(place));
        }
        if self.holes.len() > self.capacity.saturating_mul(HOLES_A_GAP) {
            let gap = self.gaps.remove(place);
            self.give_up(&gap);
        }
        None
    }

    /// Whether trades of `[start, end)` may be missing.
    pub(crate) fn overlap(&self, start: i64, end: i64) -> bool {
        let touches = |since: i64, until: i64| start <= until && end > since;
        self.gaps.iter().any(|gap| touches(gap.since, gap.until))
            || self.forgotten.is_some_and(|(since, until)| touches(since, until))
    }

    /// Ids begin anew: what was missing of the old ones cannot come under its id any more.
    pub(crate) fn restart(&mut self) {
        for gap in std::mem::take(&mut self.gaps) {
            self.give_up(&gap);
        }
        self.last = None;
    }
}
