//! The order key to slab slot map: open addressing, linear probing, no tombstones.
//!
//! An entry is eight bytes: 32 bits of the key's hash and the 32 bit slot; the full key stands in the slot's order,
//! which the caller touches anyway, and is compared there. Deleting shifts the entries behind back, so a table that
//! lives for ever does not fill with graves. Load is at most one half. Expected O(1).
//!
//! The hash is multiplicative and has no secret: keys are handles that our own order layer counts up. Keys chosen by a
//! stranger to collide make it slow, never wrong.

use super::slab::NIL;

const EMPTY: u64 = u64::MAX;
const SMALLEST: u32 = 6;

/// Slots by key.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    table: Vec<u64>,
    bits: u32,
    used: usize,
}

#[inline(always)]
const fn tag(key: u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half is the slot by construction")]
const fn slot(entry: u64) -> u32 {
    entry as u32
}

impl Keys {
    /// A map with room for `capacity` keys.
    pub(super) fn new(capacity: usize) -> Self {
        let bits = (capacity.saturating_mul(2).max(2).next_power_of_two().trailing_zeros()).clamp(SMALLEST, 32);
        Self { table: vec![EMPTY; 1 << bits], bits, used: 0 }
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a tag is 32 bits")]
    fn home(&self, tag: u64) -> usize {
        (tag >> (32 - self.bits)) as usize
    }

    #[inline(always)]
    fn entry(&self, position: usize) -> u64 {
        self.table.get(position).copied().unwrap_or(EMPTY)
    }

    #[inline(always)]
    fn set(&mut self, position: usize, entry: u64) {
        if let Some(place) = self.table.get_mut(position) {
            *place = entry;
        }
    }

    /// The slot of a key, or [`NIL`]; `key_of` gives the key that a slot holds.
    #[inline]
    pub(super) fn find(&self, key: u64, key_of: impl Fn(u32) -> u64) -> u32 {
        let tag = tag(key);
        let mask = self.table.len() - 1;
        let mut position = self.home(tag);
        loop {
            let entry = self.entry(position);
            if entry == EMPTY {
                return NIL;
            }
            if entry >> 32 == tag && key_of(slot(entry)) == key {
                return slot(entry);
            }
            position = (position + 1) & mask;
        }
    }

    /// Add a key that is not there.
    #[inline]
    pub(super) fn insert(&mut self, key: u64, slot: u32) {
        if (self.used + 1) * 2 > self.table.len() {
            self.grow();
        }
        self.place((tag(key) << 32) | u64::from(slot));
        self.used += 1;
    }

    #[inline]
    fn place(&mut self, entry: u64) {
        let mask = self.table.len() - 1;
        let mut position = self.home(entry >> 32);
        while self.entry(position) != EMPTY {
            position = (position + 1) & mask;
        }
        self.set(position, entry);
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.table);
        self.bits = (self.bits + 1).min(32);
        self.table = vec![EMPTY; old.len() * 2];
        for entry in old.into_iter().filter(|entry| *entry != EMPTY) {
            self.place(entry);
        }
    }

    /// Forget a key and the slot it stands for; the pair may be absent.
    #[inline]
    pub(super) fn remove(&mut self, key: u64, slot: u32) {
        let wanted = (tag(key) << 32) | u64::from(slot);
        let mask = self.table.len() - 1;
        let mut hole = self.home(wanted >> 32);
        loop {
            match self.entry(hole) {
                EMPTY => return,
                entry if entry == wanted => break,
                _ => hole = (hole + 1) & mask,
            }
        }
        let mut position = hole;
        loop {
            position = (position + 1) & mask;
            let entry = self.entry(position);
            if entry == EMPTY {
                break;
            }
            // An entry may move into the hole unless its home lies behind the hole.
            let home = self.home(entry >> 32);
            if (position.wrapping_sub(home) & mask) >= (position.wrapping_sub(hole) & mask) {
                self.set(hole, entry);
                hole = position;
            }
        }
        self.set(hole, EMPTY);
        self.used -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn agrees_with_a_map_through_collisions_growth_and_removal() {
        let mut keys = Keys::new(0);
        let mut model: BTreeMap<u64, u32> = BTreeMap::new();
        let mut held: Vec<u64> = Vec::new();
        let mut state = 7_u64;
        for step in 0..200_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Keys that differ in the high bits only share long probe runs.
            let key = if step % 3 == 0 { (state >> 55) << 56 } else { state >> 53 };
            let found = keys.find(key, |slot| held.get(slot as usize).copied().unwrap_or(0));
            assert_eq!(found, model.get(&key).copied().unwrap_or(NIL), "step {step}, key {key}");
            if found == NIL {
                let slot = u32::try_from(held.len()).unwrap_or(0);
                held.push(key);
                keys.insert(key, slot);
                model.insert(key, slot);
            } else {
                keys.remove(key, found);
                model.remove(&key);
            }
        }
        assert_eq!(keys.used, model.len());
    }
}
