//! A sorted map from rank to level, for the prices that are far from the market.
//!
//! Blocks of up to [`FULL`] neighbours in plain arrays, found by the block's first rank: two binary searches over
//! neighbouring memory, which the compiler makes without branches, and one short move. In the book's bench that takes a
//! third off the time with a `BTreeMap`. Search is O(log n), insert and remove add O(`FULL`) moves
//! and, once in `FULL / 2` times, O(n / `FULL`).
//!
//! Invariants: no block is empty, `firsts` are the blocks' first ranks, ranks rise strictly.

use super::slab::NIL;

const FULL: usize = 64;

/// Neighbours, rising.
type Block = Vec<(i64, u32)>;

#[inline(always)]
fn place_of(block: &[(i64, u32)], rank: i64) -> usize {
    block.partition_point(|(held, _)| *held < rank)
}

/// Where a rank stands or would: block and place in it. Only a hint: other changes make it stale.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot {
    at: usize,
    place: usize,
}

/// Levels by rank.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    firsts: Vec<i64>,
    blocks: Vec<Block>,
    len: usize,
}

impl Sorted {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The block that holds a rank or would.
    #[inline(always)]
    fn block_of(&self, rank: i64) -> usize {
        self.firsts.partition_point(|first| *first <= rank).saturating_sub(1)
    }

    /// The level at a rank, or [`NIL`], and where the rank stands or would.
    #[inline]
    pub(super) fn find(&self, rank: i64) -> (u32, Spot) {
        let at = self.block_of(rank);
        let Some(block) = self.blocks.get(at) else { return (NIL, Spot::default()) };
        let place = place_of(block, rank);
        let level = match block.get(place) {
            Some((held, level)) if *held == rank => *level,
            _ => NIL,
        };
        (level, Spot { at, place })
    }

    /// Whether a rank that is not there belongs at a spot, which may be from before other changes.
    #[inline]
    fn fits(&self, rank: i64, Spot { at, place }: Spot) -> bool {
        let Some(block) = self.blocks.get(at) else { return false };
        let lower = if place == 0 { at == 0 } else { block.get(place - 1).is_some_and(|(held, _)| *held < rank) };
        let upper = match block.get(place) {
            Some((held, _)) => *held > rank,
            None => self.firsts.get(at + 1).is_none_or(|first| *first > rank),
        };
        lower && upper && block.len() < FULL
    }

    /// Add a rank that is not there; `spot` is where [`Self::find`] saw it and saves the search if it still holds.
    #[inline]
    pub(super) fn insert(&mut self, rank: i64, level: u32, spot: Spot) {
        self.len += 1;
        let Spot { at, place } = if self.fits(rank, spot) { spot } else { self.make_room(rank) };
        let Some(block) = self.blocks.get_mut(at) else { return };
        block.insert(place.min(block.len()), (rank, level));
        if place == 0
            && let Some(first) = self.firsts.get_mut(at)
        {
            *first = rank;
        }
    }

    /// Where a rank belongs, after splitting the block if it is full (or making the first one).
    #[cold]
    fn make_room(&mut self, rank: i64) -> Spot {
        let mut at = self.block_of(rank);
        match self.blocks.get_mut(at) {
            None => {
                self.firsts.push(rank);
                self.blocks.push(Block::with_capacity(FULL));
            }
            Some(block) if block.len() >= FULL => {
                let mut upper = Block::with_capacity(FULL);
                upper.extend(block.drain(FULL / 2..));
                let first = upper.first().map_or(rank, |(held, _)| *held);
                self.firsts.insert(at + 1, first);
                self.blocks.insert(at + 1, upper);
                at += usize::from(rank >= first);
            }
            Some(_) => {}
        }
        Spot { at, place: self.blocks.get(at).map_or(0, |block| place_of(block, rank)) }
    }

    /// Forget a rank; it may be absent.
    #[inline]
    pub(super) fn remove(&mut self, rank: i64) {
        let at = self.block_of(rank);
        let Some(block) = self.blocks.get_mut(at) else { return };
        let place = place_of(block, rank);
        if block.get(place).is_none_or(|(held, _)| *held != rank) {
            return;
        }
        block.remove(place);
        self.len -= 1;
        if block.len() < FULL / 4 {
            self.join(at);
        } else if place == 0
            && let (Some(first), Some((held, _))) = (self.firsts.get_mut(at), block.first())
        {
            *first = *held;
        }
    }

    /// Give a small block's entries to its neighbour if they fit, so that memory follows the number of entries.
    #[inline]
    fn join(&mut self, at: usize) {
        let Some(block) = self.blocks.get(at) else { return };
        let small = block.len();
        let fits = |neighbour: Option<&Block>| neighbour.is_some_and(|other| other.len() + small <= FULL / 2);
        let first = block.first().map(|(held, _)| *held);
        let lower = if fits(self.blocks.get(at + 1)) {
            at
        } else if at > 0 && fits(self.blocks.get(at - 1)) {
            at - 1
        } else {
            match (first, self.firsts.get_mut(at)) {
                (Some(held), Some(first)) => *first = held,
                _ => {
                    self.blocks.remove(at);
                    self.firsts.remove(at);
                }
            }
            return;
        };
        let upper = self.blocks.remove(lower + 1);
        self.firsts.remove(lower + 1);
        if let (Some(block), Some(first)) = (self.blocks.get_mut(lower), self.firsts.get_mut(lower)) {
            block.extend(upper);
            *first = block.first().map_or(*first, |(held, _)| *held);
        }
    }

    /// The lowest rank and its level.
    #[inline]
    pub(super) fn first(&self) -> Option<(i64, u32)> {
        self.blocks.first()?.first().copied()
    }

    /// Entries from a rank on, rising.
    pub(super) fn from(&self, rank: i64) -> impl Iterator<Item = (i64, u32)> + '_ {
        let at = self.block_of(rank);
        let skipped = self.blocks.get(at).map_or(0, |block| place_of(block, rank));
        self.blocks.iter().skip(at).flatten().skip(skipped).copied()
    }

    /// Forget everything.
    pub(super) fn clear(&mut self) {
        self.firsts.clear();
        self.blocks.clear();
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn agrees_with_a_tree_through_splits_and_joins() {
        let mut sorted = Sorted::default();
        let mut model: BTreeMap<i64, u32> = BTreeMap::new();
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33).cast_signed()
        };
        let mut stale = Spot::default();
        for step in 0..60_000_u32 {
            // The book breathes: it grows, shrinks to nothing, and has prices at both ends of i64.
            let growing = step / 6_000 % 2 == 0;
            let rank = match next() % 50 {
                0 => i64::MIN + next() % 3,
                1 => i64::MAX - next() % 3,
                _ => next() % 3_000,
            };
            if growing == (next() % 5 > 0) {
                if let std::collections::btree_map::Entry::Vacant(place) = model.entry(rank) {
                    // Every second spot is from before another change.
                    let spot = if step % 2 == 0 { sorted.find(rank).1 } else { stale };
                    sorted.insert(rank, step, spot);
                    place.insert(step);
                }
            } else {
                let rank = model.range(rank..).next().map_or(rank, |(held, _)| *held);
                sorted.remove(rank);
                model.remove(&rank);
            }
            stale = sorted.find(next() % 3_000).1;
            assert_eq!(sorted.find(rank).0, model.get(&rank).copied().unwrap_or(NIL));
            assert_eq!(sorted.first(), model.first_key_value().map(|(rank, level)| (*rank, *level)));
            assert_eq!(sorted.len(), model.len());
            if step % 64 == 0 {
                let expected: Vec<(i64, u32)> = model.range(rank..).map(|(rank, level)| (*rank, *level)).collect();
                assert_eq!(sorted.from(rank).collect::<Vec<_>>(), expected);
                assert!(sorted.blocks.len() <= 2 + 8 * sorted.len() / FULL, "blocks stay filled");
            }
        }
    }
}
