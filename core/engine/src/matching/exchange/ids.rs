//! Which slot of the arena an order's id is in: open addressing over prints, which the arena's own ids settle.
//!
//! An entry is 32 bits of the print and the slot, so that a search reads one or two cache lines; the id itself is looked
//! at only where the prints agree. Invariants: each id once; at most half of the places are used, so a search ends;
//! nothing depends on the order of entries. Cost: O(1) expected.

use crate::types::ClientOrderId;
use crate::types::quick::print_of;

const SMALLEST: usize = 64;

/// A slot and the upper bits of its id's print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    print: u32,
    slot: u32,
}

const FREE: Entry = Entry { print: 0, slot: u32::MAX };

/// Of an account and an id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Print(u64);

impl Print {
    #[inline]
    pub(super) fn of(account: u32, id: &ClientOrderId) -> Self {
        Self(print_of(u64::from(account), id.as_bytes()))
    }

    #[inline]
    const fn upper(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    /// None, or 2^n.
    places: Vec<Entry>,
    used: usize,
}

impl Ids {
    #[inline]
    fn at(&self, place: usize) -> Entry {
        self.places.get(place).copied().unwrap_or(FREE)
    }

    #[inline]
    fn home(&self, print: u32) -> usize {
        print as usize & self.places.len().saturating_sub(1)
    }

    #[inline]
    fn next(&self, place: usize) -> usize {
        (place + 1) & self.places.len().saturating_sub(1)
    }

    /// The slot of an id; `is_it` looks whether a slot holds it.
    #[inline]
    pub(super) fn find(&self, print: Print, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.place_of(print, is_it).map(|place| self.at(place).slot)
    }

    #[inline]
    fn place_of(&self, print: Print, is_it: impl Fn(u32) -> bool) -> Option<usize> {
        let upper = print.upper();
        let mut place = self.home(upper);
        loop {
            let entry = self.at(place);
            if entry == FREE {
                return None;
            }
            if entry.print == upper && is_it(entry.slot) {
                return Some(place);
            }
            place = self.next(place);
        }
    }

    /// Put an id in that is not there.
    #[inline]
    pub(super) fn insert(&mut self, print: Print, slot: u32) {
        if (self.used + 1) * 2 > self.places.len() {
            self.grow();
        }
        self.put(Entry { print: print.upper(), slot });
        self.used += 1;
    }

    #[inline]
    fn put(&mut self, entry: Entry) {
        let mut place = self.home(entry.print);
        while self.at(place) != FREE {
            place = self.next(place);
        }
        self.set(place, entry);
    }

    #[inline]
    fn set(&mut self, place: usize, entry: Entry) {
        if let Some(slot) = self.places.get_mut(place) {
            *slot = entry;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(SMALLEST);
        let old = std::mem::replace(&mut self.places, vec![FREE; size]);
        old.into_iter().filter(|entry| *entry != FREE).for_each(|entry| self.put(entry));
    }

    /// Take an id out.
    #[inline]
    pub(super) fn remove(&mut self, print: Print, slot: u32) {
        let Some(mut free) = self.place_of(print, |found| found == slot) else { return };
        // What was pushed along by it moves up, so that no search ends before it is found.
        let mask = self.places.len().saturating_sub(1);
        let mut place = free;
        loop {
            place = self.next(place);
            let entry = self.at(place);
            if entry == FREE {
                break;
            }
            let distance = |from: usize| place.wrapping_sub(from) & mask;
            if distance(self.home(entry.print)) >= distance(free) {
                self.set(free, entry);
                free = place;
            }
        }
        self.set(free, FREE);
        self.used -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn it_finds_what_a_map_finds_whatever_comes_and_goes() {
        let (mut ours, mut naive, mut seed) = (Ids::default(), HashMap::<u64, u32>::new(), 21_u64);
        let mut of_slot: Vec<u64> = Vec::new();
        for _ in 0..100_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few different upper halves: many share a place, some the whole upper half.
            let id = (seed >> 59) << 34 | (seed >> 40 & 15) << 32 | (seed >> 20 & 3);
            let known = naive.get(&id).copied();
            assert_eq!(ours.find(Print(id), |slot| of_slot.get(slot as usize) == Some(&id)), known);
            match known {
                Some(slot) if seed & 1 == 0 => {
                    ours.remove(Print(id), slot);
                    naive.remove(&id);
                    assert_eq!(ours.find(Print(id), |found| found == slot), None);
                }
                None => {
                    let slot = u32::try_from(of_slot.len()).unwrap_or(u32::MAX);
                    of_slot.push(id);
                    ours.insert(Print(id), slot);
                    naive.insert(id, slot);
                }
                Some(_) => {}
            }
            assert_eq!(ours.used, naive.len());
        }
    }
}
