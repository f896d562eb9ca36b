//! A set of 64-bit prints that only grows, in which an order's cost does not grow with it.
//!
//! # Layout
//! [`SEGMENTS`] tables of open addressing with linear probing, chosen by the low bits of a print; the place in a table
//! comes from the high bits. A print and the place where it would be stand in one cache line, so a look and the insert
//! that follows it miss the cache once. A table that is [`FULL`] doubles alone: the pause is that of one part in
//! [`SEGMENTS`], and since the places keep the order of the prints, doubling reads and writes memory in one sweep.
//!
//! Invariants: at most one entry a print; load at most [`FULL`]; the answer depends on the set of prints alone.
//! Cost: O(1) expected; 13 to 26 bytes a print once a table has grown.

const SEGMENTS: usize = 256;
const SMALLEST: usize = 16;
/// Five eighths: on average four places are looked at before an empty one is found.
const FULL: (usize, usize) = (5, 8);
/// No print: zero is kept as one.
const EMPTY: u64 = 0;

/// One table.
#[derive(Clone, Debug, Default)]
struct Segment {
    places: Vec<u64>,
    used: usize,
}

impl Segment {
    /// Where a print is, or the empty place where it would be; none while there is no table.
    #[inline]
    fn find(&self, print: u64) -> Option<(usize, bool)> {
        let mask = self.places.len().checked_sub(1)?;
        // The table has 2^n places, at least 16: the upper n bits of the print.
        let mut place = usize::try_from(print >> (u64::from(mask.leading_zeros()))).unwrap_or_default() & mask;
        loop {
            match self.places.get(place).copied()? {
                EMPTY => return Some((place, false)),
                found if found == print => return Some((place, true)),
                _ => place = (place + 1) & mask,
            }
        }
    }

    #[inline]
    fn put(&mut self, place: usize, print: u64) {
        if let Some(slot) = self.places.get_mut(place) {
            *slot = print;
            self.used += 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(SMALLEST);
        let old = std::mem::replace(self, Self { places: vec![EMPTY; size], used: 0 });
        for print in old.places.into_iter().filter(|print| *print != EMPTY) {
            if let Some((place, _)) = self.find(print) {
                self.put(place, print);
            }
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
fn parts(print: u64) -> (usize, u64) {
    ((print % SEGMENTS as u64) as usize, print.max(EMPTY + 1))
}

impl PrintSet {
    /// Whether a print is in it.
    #[inline]
    pub(crate) fn contains(&self, print: u64) -> bool {
        let (segment, print) = parts(print);
        self.segments.get(segment).and_then(|segment| segment.find(print)).is_some_and(|(_, found)| found)
    }

    /// Put a print in; whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, print: u64) -> bool {
        let (segment, print) = parts(print);
        let Some(segment) = self.segments.get_mut(segment) else { return false };
        if (segment.used + 1) * FULL.1 > segment.places.len() * FULL.0 {
            segment.grow();
        }
        match segment.find(print) {
            Some((place, false)) => {
                segment.put(place, print);
                true
            }
            _ => false,
        }
    }

    /// How many prints there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.used).sum()
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
