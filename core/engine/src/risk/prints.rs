//! A set of 64-bit prints that only grows, in which an order's cost hardly grows with it.
//!
//! # Layout
//! [`SEGMENTS`] parts. A part has a log of its prints, the newest last, and a filter of blocks of one cache line each, in
//! every word of which a print sets one bit. A new print, which is what nearly every order brings, is told by its block
//! alone and then written into that block and at the end of the log. Part and block follow from the upper half of a
//! print, which ids that count up have in common ([`print_of_id`]): ten or sixteen orders in a row find the same few
//! lines near. The log is searched only for what the filter knows: a print that came before, and one new print in some
//! thousands. A filter that is full is made anew with twice the blocks from its log: the pause is that of one part in
//! [`SEGMENTS`], and the parts are not full at the same time.
//!
//! Invariants: a print is in the log of its part once, and its bits are in the filter; the answer depends on the set of
//! prints alone. Cost: O(1) expected for a new print, and O(prints / [`SEGMENTS`]) for one that is known, which refuses
//! an order; 13 to 24 bytes a print.
//!
//! [`print_of_id`]: crate::types::quick::print_of_id

const SEGMENT_BITS: u32 = 10;
const SEGMENTS: usize = 1 << SEGMENT_BITS;
/// Words of a block, and so bits of a print.
const WORDS: usize = 8;

/// Prints for a block of the filter, at most: 8 in the first part to 15 in the eighth, and so on. Ids that count up fill
/// blocks unevenly, so this is half of what prints of chance could be given.
const fn most_a_block(segment: usize) -> usize {
    8 + segment % 8
}

/// A cache line of the filter.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Block([u64; WORDS]);

/// One part.
#[derive(Clone, Debug, Default)]
struct Segment {
    log: Vec<u64>,
    /// 2^n blocks, or none.
    filter: Vec<Block>,
}

/// The bit of a print in each word of its block: six bits a word, of both halves.
#[inline]
fn bits(print: u64) -> [u64; WORDS] {
    let mut rest = print.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
    [(); WORDS].map(|()| {
        let bit = 1 << (rest & 63);
        rest >>= 6;
        bit
    })
}

/// The part of a print: its upper bits.
#[inline]
const fn segment_of(print: u64) -> usize {
    (print >> (u64::BITS - SEGMENT_BITS)) as usize
}

/// The block of a print among 2^n: the bits below those of the part.
#[inline]
fn home(print: u64, blocks: usize) -> usize {
    let shift = (blocks as u64).leading_zeros() + 1;
    (print << SEGMENT_BITS).checked_shr(shift).and_then(|place| usize::try_from(place).ok()).unwrap_or_default()
}

impl Segment {
    #[inline]
    fn contains(&self, print: u64) -> bool {
        let Some(block) = self.filter.get(home(print, self.filter.len())) else { return false };
        let missing = block.0.iter().zip(bits(print)).fold(0, |missing, (word, bit)| missing | (bit & !word));
        missing == 0 && self.is_logged(print)
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
    if let Some(block) = filter.get_mut(home(print, filter.len())) {
        block.0.iter_mut().zip(bits(print)).for_each(|(word, bit)| *word |= bit);
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
            // Some come twice, some lie side by side, some share their upper bits, zero and one are among them.
            let print = match step % 5 {
                0 => seed,
                1 => seed >> 44,
                2 => u64::MAX - (seed >> 50),
                3 => (seed >> 60) << 60 | (step % 512),
                _ => step / 1_000 + 2,
            };
            assert_eq!(ours.contains(print), naive.contains(&print), "{print}");
            assert_eq!(ours.insert(print), naive.insert(print), "{print}");
            assert!(ours.contains(print));
        }
        assert_eq!(ours.len(), naive.len());
        assert!(naive.iter().all(|print| ours.contains(*print)));
    }
}
