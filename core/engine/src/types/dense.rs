//! A map of which the entry used last is found by one comparison: of what many orders in a row ask for the same.
//!
//! Entries are never removed and lie in the order they came. Cost: O(1), without a hash when the key is the last one.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use super::quick::QuickBuild;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Dense<K, V> {
    items: Vec<(K, V)>,
    index: HashMap<K, usize, QuickBuild>,
    recent: usize,
}

impl<K, V> Default for Dense<K, V> {
    fn default() -> Self {
        Self { items: Vec::new(), index: HashMap::default(), recent: 0 }
    }
}

impl<K: Copy + Eq + Hash, V: Default> Dense<K, V> {
    /// Where the entry of a key is, for good.
    #[inline]
    pub(crate) fn find(&self, key: &K) -> Option<usize> {
        match self.items.get(self.recent) {
            Some((recent, _)) if recent == key => Some(self.recent),
            _ => self.index.get(key).copied(),
        }
    }

    /// The entry at a place.
    #[inline]
    pub(crate) fn at(&self, slot: usize) -> Option<&V> {
        self.items.get(slot).map(|(_, value)| value)
    }

    /// The entry of a key.
    #[inline]
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.find(key).and_then(|slot| self.at(slot))
    }

    /// The entry of a key, made when it is new; the next look-ups of the same key are short.
    #[inline]
    pub(crate) fn entry(&mut self, key: K) -> &mut V {
        self.entry_at(self.find(&key), key)
    }

    /// As [`Self::entry`], where [`Self::find`] was asked before.
    #[inline]
    pub(crate) fn entry_at(&mut self, slot: Option<usize>, key: K) -> &mut V {
        self.recent = slot.unwrap_or_else(|| self.insert(key));
        // It is there by the line above; the last entry stands for a case that cannot be.
        let slot = self.recent.min(self.items.len() - 1);
        #[expect(clippy::indexing_slicing, reason = "the slot was made or bounded just now")]
        &mut self.items[slot].1
    }

    #[cold]
    fn insert(&mut self, key: K) -> usize {
        self.index.insert(key, self.items.len());
        self.items.push((key, V::default()));
        self.items.len() - 1
    }

    /// Every key, in the order they came.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.items.iter().map(|(key, _)| key)
    }
}

impl<K: Eq + Hash + Borrow<str>, V> Dense<K, V> {
    /// The entry of a key by its text.
    pub(crate) fn get_by_text(&self, key: &str) -> Option<&V> {
        self.index.get(key).and_then(|slot| self.items.get(*slot)).map(|(_, value)| value)
    }

    /// As [`Self::get_by_text`], to change it.
    pub(crate) fn get_mut_by_text(&mut self, key: &str) -> Option<&mut V> {
        self.index.get(key).and_then(|slot| self.items.get_mut(*slot)).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Symbol;

    #[test]
    fn it_holds_what_a_map_holds_whichever_key_was_used_last() {
        let (mut ours, mut naive, mut seed) = (Dense::<Symbol, u64>::default(), HashMap::new(), 3_u64);
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = Symbol::parse(&format!("S{}", seed >> 60)).unwrap_or_default();
            assert_eq!((ours.get(&key), ours.get_by_text(&key)), (naive.get(&key), naive.get(&key)));
            if seed >> 20 & 1 == 0 {
                *ours.entry(key) += seed >> 30;
                *naive.entry(key).or_default() += seed >> 30;
            } else {
                assert_eq!(ours.get_mut_by_text(&key).copied(), naive.get(&key).copied());
            }
            assert_eq!(ours.get(&key), naive.get(&key));
        }
        assert_eq!(ours.keys().count(), naive.len());
        assert_eq!(ours.get(&Symbol::EMPTY), None);
    }
}
