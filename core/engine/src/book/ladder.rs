//! The price levels of one side, best first, for dense and for sparse books.
//!
//! Prices are kept as *ranks*: the price itself for asks, its bitwise complement for bids, so that the lowest rank is
//! the best price of either side and every `i64` has one. A window of [`SPAN`] ranks around the market is an array with
//! a two-level bitmap (finding, adding, deleting and the next level are O(1)); ranks outside it live in a sorted map
//! (O(log n)). When the best level has stayed outside for more uses than moving the window costs, the window moves.
//!
//! Invariants: a rank is in the window or in the map, never in both; `best` is the lowest rank held. Memory is the
//! window and one map entry per far level.

use super::slab::NIL;
use super::sorted::{Sorted, Spot};
use super::steps::Ticks;
use crate::types::Side;

/// Ranks in the window: 64 words of 64 bits, so that one more word is their summary.
const SPAN: u64 = 4096;
const WORDS: usize = 64;
/// Uses of far levels that a move of the window must at least have cost.
const PATIENCE: u32 = 32;

/// The rank of a price on a side: lower is better.
#[inline(always)]
pub(super) const fn rank(side: Side, price: Ticks) -> i64 {
    match side {
        Side::Buy => !price.0,
        Side::Sell => price.0,
    }
}

/// Levels of one side: rank to the level's slab name.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    best_rank: i64,
    best_level: u32,
    /// Uses of far levels since the window moved.
    far_uses: u32,
    /// Levels in the window.
    held: u32,
    base: i64,
    summary: u64,
    words: [u64; WORDS],
    slots: Box<[u32]>,
    far: Sorted,
}

impl Ladder {
    pub(super) fn new() -> Self {
        Self {
            best_rank: i64::MAX,
            best_level: NIL,
            far_uses: 0,
            held: 0,
            base: 0,
            summary: 0,
            words: [0; WORDS],
            slots: vec![NIL; WORDS * 64].into_boxed_slice(),
            far: Sorted::default(),
        }
    }

    /// Rank and level of the best price; the level is [`NIL`] when there is none.
    #[inline(always)]
    pub(super) const fn best(&self) -> (i64, u32) {
        (self.best_rank, self.best_level)
    }

    /// Number of levels.
    pub(super) fn len(&self) -> usize {
        self.held as usize + self.far.len()
    }

    /// Distance from the window's start; [`SPAN`] or more is outside. Exact because `base <= i64::MAX - SPAN + 1`.
    #[inline(always)]
    const fn offset(&self, rank: i64) -> u64 {
        rank.wrapping_sub(self.base).cast_unsigned()
    }

    /// The level of a rank, or [`NIL`], and a hint for [`Self::insert`].
    #[inline]
    pub(super) fn find(&self, rank: i64) -> (u32, Spot) {
        let offset = self.offset(rank);
        if offset < SPAN {
            return (self.slots.get(offset as usize).copied().unwrap_or(NIL), Spot::default());
        }
        self.far.find(rank)
    }

    /// Add a level at a rank that has none.
    #[inline]
    pub(super) fn insert(&mut self, rank: i64, level: u32, spot: Spot) {
        if self.best_level == NIL {
            self.base = start_for(rank);
            self.far_uses = 0;
        }
        if rank < self.best_rank || self.best_level == NIL {
            (self.best_rank, self.best_level) = (rank, level);
        }
        let offset = self.offset(rank);
        if offset < SPAN {
            self.mark(offset, level);
        } else {
            self.far.insert(rank, level, spot);
            self.used_far();
        }
    }

    /// Delete the level of a rank.
    #[inline]
    pub(super) fn remove(&mut self, rank: i64) {
        let offset = self.offset(rank);
        if offset < SPAN {
            self.unmark(offset);
            if rank == self.best_rank {
                (self.best_rank, self.best_level) = self.first();
            }
        } else {
            self.far.remove(rank);
            if rank == self.best_rank {
                (self.best_rank, self.best_level) = self.first();
            }
            self.used_far();
        }
    }

    /// Forget everything, keep the memory of the window.
    pub(super) fn clear(&mut self) {
        self.slots.fill(NIL);
        self.words = [0; WORDS];
        self.summary = 0;
        self.held = 0;
        self.far.clear();
        (self.best_rank, self.best_level) = (i64::MAX, NIL);
    }

    /// Levels from best to worst.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let base = self.base;
        let better = self.far.from(i64::MIN).take_while(move |(rank, _)| *rank < base).map(|(_, level)| level);
        let worse = self.far.from(base).map(|(_, level)| level);
        let mut next = self.next_marked(0);
        let window = std::iter::from_fn(move || {
            let offset = next?;
            next = self.next_marked(offset + 1);
            self.slots.get(offset as usize).copied()
        });
        better.chain(window).chain(worse)
    }

    #[inline(always)]
    fn mark(&mut self, offset: u64, level: u32) {
        if let (Some(slot), Some(word)) =
            (self.slots.get_mut(offset as usize), self.words.get_mut((offset >> 6) as usize))
        {
            *slot = level;
            *word |= 1 << (offset & 63);
            self.summary |= 1 << (offset >> 6);
            self.held += 1;
        }
    }

    #[inline(always)]
    fn unmark(&mut self, offset: u64) {
        if let (Some(slot), Some(word)) =
            (self.slots.get_mut(offset as usize), self.words.get_mut((offset >> 6) as usize))
        {
            *slot = NIL;
            *word &= !(1 << (offset & 63));
            if *word == 0 {
                self.summary &= !(1 << (offset >> 6));
            }
            self.held -= 1;
        }
    }

    /// The first occupied offset at or after `from`.
    #[inline]
    fn next_marked(&self, from: u64) -> Option<u64> {
        if from >= SPAN {
            return None;
        }
        let word = from >> 6;
        let here = self.words.get(word as usize).copied().unwrap_or(0) & (u64::MAX << (from & 63));
        if here != 0 {
            return Some((word << 6) | u64::from(here.trailing_zeros()));
        }
        // Two shifts because one by 64 is not defined.
        let later = self.summary & ((u64::MAX << word) << 1);
        if later == 0 {
            return None;
        }
        let word = u64::from(later.trailing_zeros());
        let bits = self.words.get(word as usize).copied().unwrap_or(0);
        Some((word << 6) | u64::from(bits.trailing_zeros()))
    }

    #[inline]
    fn first(&self) -> (i64, u32) {
        if let Some((rank, level)) = self.far.first()
            && (self.summary == 0 || rank < self.base)
        {
            return (rank, level);
        }
        match self.next_marked(0) {
            Some(offset) => {
                (self.base.wrapping_add(offset.cast_signed()), self.slots.get(offset as usize).copied().unwrap_or(NIL))
            }
            None => (i64::MAX, NIL),
        }
    }

    /// Count a use of the map; move the window to the market once that is worth it.
    #[inline]
    fn used_far(&mut self) {
        self.far_uses = self.far_uses.saturating_add(1);
        if self.far_uses > self.held.saturating_add(PATIENCE)
            && self.best_level != NIL
            && self.offset(self.best_rank) >= SPAN
        {
            self.move_window();
        }
    }

    /// Put the window around the best rank. O(levels that leave or enter it).
    #[cold]
    fn move_window(&mut self) {
        let mut next = self.next_marked(0);
        while let Some(offset) = next {
            let level = self.slots.get(offset as usize).copied().unwrap_or(NIL);
            self.far.insert(self.base.wrapping_add(offset.cast_signed()), level, Spot::default());
            self.unmark(offset);
            next = self.next_marked(offset + 1);
        }
        self.base = start_for(self.best_rank);
        let entering: Vec<(i64, u32)> =
            self.far.from(self.base).take_while(|(rank, _)| self.offset(*rank) < SPAN).collect();
        for (rank, level) in entering {
            self.far.remove(rank);
            self.mark(self.offset(rank), level);
        }
        self.far_uses = 0;
    }
}

/// Start of a window for a best rank: a quarter of the room for better prices, the rest for worse ones.
fn start_for(best: i64) -> i64 {
    best.saturating_sub(SPAN.cast_signed() / 4).min(i64::MAX - SPAN.cast_signed() + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn agrees_with_a_tree_while_the_market_moves_and_jumps() {
        let (mut ladder, mut model) = (Ladder::new(), BTreeMap::new());
        let (mut state, mut middle, mut moves, mut last_base) = (7_u64, 0_i64, 0, 0);
        let mut spot = Spot::default();
        for step in 0..120_000_u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = (state >> 33).cast_signed();
            if draw % 2_000 == 0 {
                let centres = [i64::MIN, i64::MAX, 0, 10_000, -9_000, 1 << 50];
                middle = centres.get((draw >> 12) as usize % 6).copied().unwrap_or(0);
            }
            middle = middle.saturating_add(draw % 3 - 1);
            let spread = if step / 20_000 % 2 == 0 { 200 } else { 9_000 };
            let rank = middle.saturating_add((draw >> 2) % spread - spread / 2);
            // Half the deletions take the best, as a market that trades does.
            let best = if draw % 4 == 0 { model.keys().next().copied() } else { None };
            let rank = best
                .or_else(|| model.range(rank..).next().map(|(held, _)| *held))
                .filter(|_| draw % 2 == 0 || model.len() > 300)
                .unwrap_or(rank);
            if model.remove(&rank).is_some() {
                ladder.remove(rank);
            } else {
                ladder.insert(rank, step, spot);
                spot = ladder.find(rank.saturating_add(draw % 50)).1;
                model.insert(rank, step);
            }
            moves += u32::from(ladder.base != last_base);
            last_base = ladder.base;
            let (best_rank, best_level) = ladder.best();
            assert_eq!(
                model.first_key_value(),
                (best_level != NIL).then_some((&best_rank, &best_level)),
                "step {step}"
            );
            assert_eq!(ladder.find(rank).0, model.get(&rank).copied().unwrap_or(NIL));
            assert_eq!(ladder.len(), model.len());
            if step % 32 == 0 {
                assert!(ladder.iter().eq(model.values().copied()), "step {step}");
            }
        }
        assert!(moves > 50, "the window moved {moves} times");
    }
}
