//! A set of 64-bit prints that only grows, in which an order's cost hardly grows with it.
//!
//! # Layout
//! [`SEGMENTS`] parts, chosen by the low bits of a print. A part has a filter (words of which a print sets three bits),
//! a few new prints that wait, and a table of open addressing with linear probing. A new print, which is what nearly
//! every order brings, is told by one word of the filter; the table, by far the largest and so the one that misses the
//! cache, is only written, [`WAITING`] prints at a time, and the places they go to are read beforehand all at once, so
//! that the misses wait for each other and not one by one. A table that is [`FULL`] doubles alone: the pause is that of
//! one part in [`SEGMENTS`], and since places and filter keep the order of the prints it is one sweep over memory.
//!
//! Invariants: a print is in the table or waits, once; the filter has the bits of both; load at most [`FULL`]; the
//! answer depends on the set of prints alone. Cost: O(1) expected; 14 to 27 bytes a print once a table has grown.

const SEGMENTS: usize = 256;
const SMALLEST: usize = 16;
/// Places of the table for a word of the filter: at most ten prints share one, so that 1 in 20 new ones is looked up.
const PLACES_A_WORD: usize = 16;
/// New prints that wait in a part.
const WAITING: usize = 8;
/// Five eighths: on average four places are looked at before an empty one is found.
const FULL: (usize, usize) = (5, 8);
/// No print: zero is kept as one.
const EMPTY: u64 = 0;

/// One part.
#[derive(Clone, Debug, Default)]
struct Segment {
    /// 2^n places, or none.
    places: Vec<u64>,
    filter: Vec<u64>,
    used: usize,
    waiting: [u64; WAITING],
    count: usize,
}

/// The bits of a print in its word of the filter: none of those that choose segment and place.
#[inline]
const fn bits(print: u64) -> u64 {
    1 << (print >> 8 & 63) | 1 << (print >> 14 & 63) | 1 << (print >> 20 & 63)
}

/// Where a print belongs in a row of 2^n: its upper n bits.
#[inline]
fn home(print: u64, length: usize) -> usize {
    let shift = (length as u64).leading_zeros() + 1;
    print.checked_shr(shift).and_then(|place| usize::try_from(place).ok()).unwrap_or_default()
}

impl Segment {
    #[inline]
    fn contains(&self, print: u64) -> bool {
        // Without a filter there is no table yet, only what waits.
        let maybe =
            self.filter.get(home(print, self.filter.len())).is_none_or(|word| word & bits(print) == bits(print));
        maybe && (self.waits(print) || self.find(print).is_some_and(|(_, found)| found))
    }

    fn waits(&self, print: u64) -> bool {
        self.waiting.iter().take(self.count).any(|waiting| *waiting == print)
    }

    /// Where a print is in the table, or the empty place where it would be; none while there is no table.
    #[inline]
    fn find(&self, print: u64) -> Option<(usize, bool)> {
        let mask = self.places.len().checked_sub(1)?;
        let mut place = home(print, self.places.len());
        loop {
            match self.places.get(place).copied()? {
                EMPTY => return Some((place, false)),
                found if found == print => return Some((place, true)),
                _ => place = (place + 1) & mask,
            }
        }
    }

    /// Put a print in that is not there.
    #[inline]
    fn add(&mut self, print: u64) {
        self.mark(print);
        if let Some(slot) = self.waiting.get_mut(self.count) {
            *slot = print;
            self.count += 1;
        }
        if self.count == WAITING {
            self.settle();
        }
    }

    #[inline]
    fn mark(&mut self, print: u64) {
        let word = home(print, self.filter.len());
        if let Some(word) = self.filter.get_mut(word) {
            *word |= bits(print);
        }
    }

    /// What waits goes to its places.
    fn settle(&mut self) {
        while (self.used + WAITING) * FULL.1 > self.places.len() * FULL.0 {
            self.grow();
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.count = 0;
        // Reads that do not depend on each other miss the cache together.
        let length = self.places.len();
        let read = waiting.iter().map(|print| self.places.get(home(*print, length)).copied().unwrap_or(EMPTY));
        std::hint::black_box(read.fold(0, |all, place| all ^ place));
        waiting.into_iter().for_each(|print| self.place(print));
    }

    fn place(&mut self, print: u64) {
        if let Some((place, false)) = self.find(print)
            && let Some(slot) = self.places.get_mut(place)
        {
            *slot = print;
            self.used += 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(SMALLEST);
        let old = std::mem::replace(&mut self.places, vec![EMPTY; size]);
        self.filter = vec![0; size / PLACES_A_WORD];
        self.used = 0;
        for print in old.into_iter().filter(|print| *print != EMPTY) {
            self.mark(print);
            self.place(print);
        }
        for print in self.waiting.into_iter().take(self.count) {
            self.mark(print);
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

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the remainder is a place among the segments")]
fn parts(print: u64) -> (usize, u64) {
    ((print % SEGMENTS as u64) as usize, print.max(EMPTY + 1))
}

impl PrintSet {
    /// Whether a print is in it.
    #[inline]
    pub(crate) fn contains(&self, print: u64) -> bool {
        let (segment, print) = parts(print);
        self.segments.get(segment).is_some_and(|segment| segment.contains(print))
    }

    /// Put a print in; whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, print: u64) -> bool {
        let (segment, print) = parts(print);
        let Some(segment) = self.segments.get_mut(segment).filter(|segment| !segment.contains(print)) else {
            return false;
        };
        segment.add(print);
        true
    }

    /// Put a print in that is known not to be there.
    #[inline]
    pub(crate) fn insert_new(&mut self, print: u64) {
        let (segment, print) = parts(print);
        if let Some(segment) = self.segments.get_mut(segment) {
            segment.add(print);
        }
    }

    /// How many prints there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.used + segment.count).sum()
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
            let print = if print == 1 { 2 } else { print };
            assert_eq!(ours.contains(print), naive.contains(&print), "{print}");
            assert_eq!(ours.insert(print), naive.insert(print), "{print}");
            assert!(ours.contains(print));
        }
        assert_eq!(ours.len(), naive.len());
        assert!(naive.iter().all(|print| ours.contains(*print)));
    }
}
