//! Two hashes without a random seed: one for the maps (speed), one for the state (evidence).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A map whose hasher has no random seed. Nothing is ever iterated from it into a result.
pub(super) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<WordHasher>>;
/// A set of the same kind.
pub(super) type FastSet<K> = HashSet<K, BuildHasherDefault<WordHasher>>;

/// Folds eight bytes at a time by multiply and rotate.
#[derive(Clone, Copy, Default)]
pub(super) struct WordHasher(u64);

impl WordHasher {
    const fn fold(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(MULTIPLIER);
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.fold(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(chunks.remainder()) {
            *to = *from;
        }
        self.fold(u64::from_le_bytes(last) ^ (bytes.len() as u64).rotate_right(8));
    }

    fn write_u8(&mut self, value: u8) {
        self.fold(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.fold(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.fold(value);
    }

    fn finish(&self) -> u64 {
        // The table takes its bucket from the low bits, which a product mixes least.
        self.0 ^ (self.0 >> 32)
    }
}

/// 128 bits over a canonical sequence of words and texts; not cryptographic, the log is not hostile.
#[derive(Clone, Copy)]
pub(super) struct StateHasher {
    low: u64,
    high: u64,
}

impl StateHasher {
    pub(super) const fn new() -> Self {
        Self { low: 0xcbf2_9ce4_8422_2325, high: 0x6c62_272e_07bb_0142 }
    }

    pub(super) const fn word(&mut self, word: u64) {
        self.low = (self.low ^ word).wrapping_mul(MULTIPLIER).rotate_left(29);
        self.high = (self.high.rotate_left(17) ^ word ^ self.low).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.low ^= self.high >> 31;
    }

    pub(super) const fn signed(&mut self, value: i64) {
        self.word(value.cast_unsigned());
    }

    pub(super) fn text(&mut self, text: &str) {
        let mut hasher = WordHasher::default();
        text.hash(&mut hasher);
        self.word(text.len() as u64);
        self.word(hasher.0);
    }

    pub(super) const fn finish(self) -> u128 {
        ((self.high as u128) << 64) | self.low as u128
    }
}

/// One step of splitmix64: jitter that depends on the seed and the count only.
pub(super) const fn jitter(seed: u64, count: u64) -> u64 {
    let mut mixed = seed ^ count.wrapping_mul(MULTIPLIER);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
