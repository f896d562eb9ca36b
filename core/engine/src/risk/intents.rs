//! When each of the last intents was approved: a ring, and a table of open addressing over it.
//!
//! Invariants: the table has the intents of the ring, each once, with the instant of its last approval; it is at most
//! half full, so a search ends. Cost: O(1) expected, no allocation after the first order.

/// Intents kept for the duplicate rule.
pub const INTENTS: usize = 1024;
/// Places of the table: the upper [`PLACE_BITS`] bits of an intent are where it belongs.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 11;

/// An intent and when it was approved.
type Entry = (u64, i64);

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Intents {
    /// The last approvals; `next` is the oldest once there are [`INTENTS`].
    ring: Vec<Entry>,
    next: usize,
    places: Vec<Option<Entry>>,
}

#[inline]
const fn home(intent: u64) -> usize {
    (intent >> (u64::BITS - PLACE_BITS)) as usize
}

#[inline]
const fn after(place: usize) -> usize {
    (place + 1) % PLACES
}

impl Intents {
    /// When an intent was last approved, if it is remembered.
    #[inline]
    pub(super) fn last(&self, intent: u64) -> Option<i64> {
        self.entry(self.find(intent)).map(|(_, at)| at)
    }

    /// Remember an approval; the oldest makes room.
    #[inline]
    pub(super) fn push(&mut self, intent: u64, at: i64) {
        if let Some(oldest) = self.ring.get_mut(self.next) {
            let oldest = std::mem::replace(oldest, (intent, at));
            self.next = (self.next + 1) % INTENTS;
            self.forget(oldest);
        } else {
            self.begin();
            self.ring.push((intent, at));
            self.next = self.ring.len() % INTENTS;
        }
        let place = self.find(intent);
        self.put(place, Some((intent, at)));
    }

    fn begin(&mut self) {
        if self.places.is_empty() {
            self.ring.reserve_exact(INTENTS);
            self.places.resize(PLACES, None);
        }
    }

    #[inline]
    fn entry(&self, place: usize) -> Option<Entry> {
        self.places.get(place).copied().flatten()
    }

    fn put(&mut self, place: usize, entry: Option<Entry>) {
        if let Some(slot) = self.places.get_mut(place) {
            *slot = entry;
        }
    }

    /// Where an intent is, or the free place where it would be.
    #[inline]
    fn find(&self, intent: u64) -> usize {
        let mut place = home(intent);
        while self.entry(place).is_some_and(|(found, _)| found != intent) {
            place = after(place);
        }
        place
    }

    /// The oldest leaves, unless the same intent was approved again since.
    fn forget(&mut self, oldest: Entry) {
        let mut free = self.find(oldest.0);
        if self.entry(free) != Some(oldest) {
            return;
        }
        // What was pushed along by it moves up, so that no search ends before it is found.
        let mut place = free;
        loop {
            place = after(place);
            let Some(entry) = self.entry(place) else { break };
            let distance = |from: usize| (place + PLACES - from) % PLACES;
            if distance(home(entry.0)) >= distance(free) {
                self.put(free, Some(entry));
                free = place;
            }
        }
        self.put(free, None);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, VecDeque};

    use super::*;

    #[test]
    fn it_remembers_what_a_ring_and_a_map_of_the_standard_library_remember() {
        let (mut ours, mut ring, mut naive, mut seed) = (Intents::default(), VecDeque::new(), HashMap::new(), 9_u64);
        for step in 0..60_000_i64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Some come again, some lie side by side, some belong to the last places and go round.
            let intent = match step % 4 {
                0 => seed,
                1 => (seed >> 58) << 50,
                2 => u64::MAX - (seed >> 40 & 63),
                _ => seed >> 54 << 54,
            };
            assert_eq!(ours.last(intent), naive.get(&intent).copied(), "step {step}");
            if ring.len() == INTENTS
                && let Some((oldest, at)) = ring.pop_front()
                && naive.get(&oldest) == Some(&at)
            {
                naive.remove(&oldest);
            }
            ring.push_back((intent, step / 3));
            naive.insert(intent, step / 3);
            ours.push(intent, step / 3);
            assert_eq!(ours.last(intent), Some(step / 3));
        }
        assert!(naive.iter().all(|(intent, at)| ours.last(*intent) == Some(*at)));
        assert_eq!(ours.places.iter().flatten().count(), naive.len());
    }
}
