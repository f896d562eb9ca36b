//! A fast hasher for inline ids, and prints of texts.

use std::hash::{BuildHasherDefault, Hasher};

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// Multiply-and-fold over eight bytes at a time. For keys that nobody chooses to collide; never for wire data.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quick(u64);

const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128) * (b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

impl Hasher for Quick {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((head, tail)) = rest.split_first_chunk::<8>()
            && !tail.is_empty()
        {
            self.write_u64(u64::from_le_bytes(*head));
            rest = tail;
        }
        // The last word overlaps the one before it instead of being put together byte by byte; the length tells
        // texts apart that end alike.
        let last = match bytes.last_chunk::<8>() {
            Some(last) => u64::from_le_bytes(*last),
            None => match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
                (Some(first), Some(last)) => {
                    u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
                }
                _ => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
            },
        };
        self.write_u64(last ^ (bytes.len() as u64).rotate_right(8));
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word ^ 0xA076_1D64_78BD_642F, MULTIPLIER).wrapping_add(self.0.rotate_left(23));
    }

    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.0 = self.0.rotate_left(8) ^ u64::from(byte);
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        fold(self.0, MULTIPLIER)
    }
}

/// For `HashMap` and `HashSet`. Iteration order is never used for a result.
pub(crate) type QuickBuild = BuildHasherDefault<Quick>;

/// 64 bits of a text. Equal texts have equal prints; among a million texts two different ones collide with a chance of
/// 3e-8, and a collision refuses an order (its id counts as used), it never lets one through.
#[inline]
pub(crate) fn print_of(kind: u64, text: &[u8]) -> u64 {
    let mut hasher = Quick(kind);
    hasher.write(text);
    hasher.finish()
}

/// 64 bits of some words and texts.
#[inline]
pub(crate) fn print_of_words(texts: [&[u8]; 2], words: [u64; 4]) -> u64 {
    let mut hasher = Quick(texts.len() as u64);
    for text in texts {
        hasher.write(text);
        hasher.write_u8(0xff);
    }
    for word in words {
        hasher.write_u64(word);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_byte_difference_have_other_prints() {
        let prints: std::collections::HashSet<u64> =
            (0..100_000).map(|number| print_of(0, format!("PRA-1-{number:016x}").as_bytes())).collect();
        assert_eq!(prints.len(), 100_000);
        assert_ne!(print_of(0, b"x"), print_of(1, b"x"));
    }

    #[test]
    fn texts_of_every_length_and_their_beginnings_have_other_prints() {
        let text = [b'a'; 64];
        let alike = (0..=64).map(|length| print_of(0, text.get(..length).unwrap_or_default()));
        let zeros = (1..=64).map(|length| print_of(0, [0; 64].get(..length).unwrap_or_default()));
        let one_off = (0..64).map(|at| {
            let other: Vec<u8> = (0..64).map(|place| if place == at { b'b' } else { b'a' }).collect();
            print_of(0, &other)
        });
        let prints: std::collections::HashSet<u64> = alike.chain(zeros).chain(one_off).collect();
        assert_eq!(prints.len(), 65 + 64 + 64);
    }
}
