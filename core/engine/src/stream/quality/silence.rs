//! Rule 12: a feed that says nothing for several times its usual gap.

use serde::{Deserialize, Serialize};

const GAPS: usize = 64;

/// A change of what the feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// Silence so far, ns.
    pub(crate) silence: i64,
    /// Median gap, ns.
    pub(crate) median: i64,
}

/// When messages of a symbol came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Silence {
    last: Option<i64>,
    /// The last gaps between messages, a ring.
    gaps: Vec<i64>,
    place: usize,
    stale: bool,
}

impl Silence {
    pub(crate) fn new() -> Self {
        Self { last: None, gaps: Vec::with_capacity(GAPS), place: 0, stale: false }
    }

    /// A message came; says so when the feed was stale.
    #[inline]
    pub(crate) fn heard(&mut self, ts_init: i64) -> Option<Spoken> {
        let Some(last) = self.last else {
            self.last = Some(ts_init);
            return None;
        };
        let gap = ts_init.saturating_sub(last).max(0);
        self.last = Some(last.max(ts_init));
        match self.gaps.get_mut(self.place) {
            Some(slot) => *slot = gap,
            None => self.gaps.push(gap),
        }
        self.place = (self.place + 1) % GAPS;
        if !self.stale {
            return None;
        }
        self.stale = false;
        Some(Spoken { silence: gap, median: self.median() })
    }

    /// It is `now`; says so when the feed has become stale.
    pub(crate) fn asked(&mut self, now: i64, factor: u32, floor: i64) -> Option<Spoken> {
        let silence = now.saturating_sub(self.last?);
        if self.stale || factor == 0 || silence <= floor || self.gaps.is_empty() {
            return None;
        }
        let median = self.median();
        if silence <= median.saturating_mul(i64::from(factor)) {
            return None;
        }
        self.stale = true;
        Some(Spoken { silence, median })
    }

    fn median(&self) -> i64 {
        let mut gaps = self.gaps.clone();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied().unwrap_or(0)
    }
}
