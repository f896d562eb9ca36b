//! A set of 64-bit prints that only grows, in which an order's cost hardly grows with it.
//!
//! # Layout
//! [`SEGMENTS`] parts. A part has a log of its prints, the newest last, and a filter of blocks of one cache line each, in
//! which a print leaves a tag of 16 bits, or in the next block when its own is full. A new print, which is what nearly
//! every order brings, is told by its block alone and then written into that block and at the end of the log. Part and
//! block follow from the upper half of a print, which ids that count up have in common ([`print_of_id`]): ten or sixteen
//! orders in a row find the same few lines near. The log is searched only for what the filter knows: a print that came
//! before, and one new print in some thousands. A filter that is full is made anew with twice the blocks from its log:
//! the pause is that of one part in [`SEGMENTS`], and the parts are not full at the same time.
//!
//! Invariants: a print is in the log of its part once; its tag is in its block, or in the next where its own is full, or
//! both are full and say nothing; the answer depends on the set of prints alone. Cost: O(1) expected for a new print, and
//! O(prints / [`SEGMENTS`]) for one that is known, which refuses an order; 12 to 24 bytes a print.
//!
//! [`print_of_id`]: crate::types::quick::print_of_id

const SEGMENT_BITS: u32 = 10;
const SEGMENTS: usize = 1 << SEGMENT_BITS;
/// Tags that a block has room for; the first lane counts them.
const TAGS: u16 = 31;

/// Prints for a block of the filter, at most: 8 in the first part to 15 in the eighth, and so on. Ids that count up fill
/// blocks unevenly, so this is half of the room: to go on to the next block is rare, to find both full hardly happens.
const fn most_a_block(segment: usize) -> usize {
    8 + segment % 8
}

/// A cache line of the filter: how many tags it has, and the tags.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Block([u16; 32]);

impl Block {
    /// Whether a lane is this tag. The lanes without one, and the count, may be taken for a rare tag: then the log is
    /// searched in vain.
    #[inline]
    fn knows(&self, tag: u16) -> bool {
        self.0.iter().fold(false, |known, lane| known | (*lane == tag))
    }

    #[inline]
    const fn is_full(&self) -> bool {
        let [count, ..] = self.0;
        count >= TAGS
    }

    /// Leave a tag; whether there was room.
    #[inline]
    fn put(&mut self, tag: u16) -> bool {
        let [count, tags @ ..] = &mut self.0;
        let Some(lane) = tags.get_mut(usize::from(*count)) else { return false };
        *lane = tag;
        *count += 1;
        true
    }
}

/// One part.
#[derive(Clone, Debug, Default)]
struct Segment {
    log: Vec<u64>,
    /// 2^n blocks, or none.
    filter: Vec<Block>,
}

/// The tag of a print: of both halves, as neither tells all prints of a block apart.
#[inline]
const fn tag_of(print: u64) -> u16 {
    (print.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as u16
}

/// The part of a print: its upper bits.
#[inline]
const fn segment_of(print: u64) -> usize {
    (print >> (u64::BITS - SEGMENT_BITS)) as usize
}

/// The block of a print among 2^n, by the bits below those of the part, and the next one.
#[inline]
fn places(print: u64, blocks: usize) -> [usize; 2] {
    let shift = (blocks as u64).leading_zeros() + 1;
    let home = (print << SEGMENT_BITS).checked_shr(shift).and_then(|place| usize::try_from(place).ok());
    let home = home.unwrap_or_default();
    [home, (home + 1) & blocks.wrapping_sub(1)]
}

impl Segment {
    #[inline]
    fn contains(&self, print: u64) -> bool {
        let tag = tag_of(print);
        for place in places(print, self.filter.len()) {
            let Some(block) = self.filter.get(place) else { return false };
            if block.knows(tag) {
                break;
            }
            if !block.is_full() {
                return false;
            }
        }
        self.is_logged(print)
    }

    /// What comes again mostly came a moment ago, as the decision that slices of a parent share.
    #[cold]
    fn is_logged(&self, print: u64) -> bool {
        self.log.iter().rev().any(|known| *known == print)
    }

    /// Put a print in that is not there.
    #[inline]
    fn add(&mut self, print: u64) {
        self.log.push(print);
        if self.log.len() > self.filter.len() * most_a_block(segment_of(print)) {
            self.grow();
        } else {
            mark(&mut self.filter, print);
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.filter = vec![Block::default(); (self.filter.len() * 2).max(1)];
        for print in &self.log {
            mark(&mut self.filter, *print);
        }
    }
}

#[inline]
fn mark(filter: &mut [Block], print: u64) {
    let tag = tag_of(print);
    for place in places(print, filter.len()) {
        if filter.get_mut(place).is_some_and(|block| block.put(tag)) {
            return;
        }
    }
}

/// The set; see the module.
#[derive(Clone, Debug)]
pub(crate) struct PrintSet {
    segments: Box<[Segment]>,
}

impl Default for PrintSet {
    fn default() -> Self {
        Self { segments: vec![Segment::default(); SEGMENTS].into_boxed_slice() }
    }
}

impl PrintSet {
    /// Whether a print is in it.
    #[inline]
    pub(crate) fn contains(&self, print: u64) -> bool {
        self.segments.get(segment_of(print)).is_some_and(|segment| segment.contains(print))
    }

    /// Put a print in; whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, print: u64) -> bool {
        let new = !self.contains(print);
        if new {
            self.insert_new(print);
        }
        new
    }

    /// Put a print in that is known not to be there.
    #[inline]
    pub(crate) fn insert_new(&mut self, print: u64) {
        if let Some(segment) = self.segments.get_mut(segment_of(print)) {
            segment.add(print);
        }
    }

    /// How many prints there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.log.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn it_holds_what_a_set_of_the_standard_library_holds() {
        let (mut ours, mut naive, mut seed) = (PrintSet::default(), HashSet::new(), 3_u64);
        for step in 0..400_000_u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Some come twice, some lie side by side, some share their upper bits, zero and one are among them: few, as
            // what shares its block with thousands is looked for in the log.
            let print = match step % 50 {
                0 => seed >> 44,
                1 => u64::MAX - (seed >> 50),
                2 => (seed >> 60) << 60 | (step % 512),
                3 => step / 1_000 + 2,
                4 => step / 50,
                _ => seed,
            };
            assert_eq!(ours.contains(print), naive.contains(&print), "{print}");
            assert_eq!(ours.insert(print), naive.insert(print), "{print}");
            assert!(ours.contains(print));
        }
        assert_eq!(ours.len(), naive.len());
        assert!(naive.iter().all(|print| ours.contains(*print)));
    }
}
