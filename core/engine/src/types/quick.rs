//! A fast hasher for inline ids, and prints of texts.

use std::hash::{BuildHasherDefault, Hasher};

use super::{StrategyId, Symbol};

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const SALT: u64 = 0xA076_1D64_78BD_642F;

/// Multiply-and-fold over sixteen bytes of text or one word at a time. For keys that nobody chooses to collide; never for wire data.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quick(u64);

const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128) * (b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Sixteen bytes as two words.
#[inline]
fn halves(bytes: &[u8; 16]) -> (u64, u64) {
    let both = u128::from_le_bytes(*bytes);
    (both as u64, (both >> 64) as u64)
}

impl Quick {
    /// Two words by one product. Neither factor is zero for a text: the constants are none.
    #[inline]
    fn write_pair(&mut self, (one, other): (u64, u64)) {
        self.0 = fold(self.0 ^ one ^ SALT, other ^ MULTIPLIER).wrapping_add(self.0.rotate_left(23));
    }
}

impl Hasher for Quick {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).rotate_right(8);
        if let Some(last) = bytes.last_chunk::<16>() {
            let mut rest = bytes;
            while let Some((head, tail)) = rest.split_first_chunk::<16>()
                && !tail.is_empty()
            {
                self.write_pair(halves(head));
                rest = tail;
            }
            let (one, other) = halves(last);
            self.write_pair((one, other ^ length));
            return;
        }
        // The second word overlaps the first instead of being put together byte by byte; the length tells texts apart
        // that end alike.
        let pair = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
                (Some(first), Some(last)) => {
                    (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
                }
                _ => (0, bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))),
            },
        };
        self.write_pair((pair.0, pair.1 ^ length));
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word ^ SALT, MULTIPLIER).wrapping_add(self.0.rotate_left(23));
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

/// [`print_of`] of an id: ids that differ in the last byte alone, as those that count up do, have the same upper half and
/// never the same print, so that what is kept by it lies side by side.
#[inline]
pub(crate) fn print_of_id(kind: u64, id: &[u8]) -> u64 {
    let (last, others) = id.split_last().map_or((0, id), |(last, others)| (u64::from(*last) + 1, others));
    // Odd, so that no two bytes change the lower half alike.
    print_of(kind, others) ^ (last.wrapping_mul(MULTIPLIER) & u64::from(u32::MAX))
}

/// 64 bits of an order's words and of the names behind it, which are as long for every order.
#[inline]
pub(crate) fn print_of_words(strategy: &StrategyId, symbol: &Symbol, [one, two, three, four]: [u64; 4]) -> u64 {
    let mut hasher = Quick(2);
    hasher.write_pair(halves(strategy.padded()));
    for part in symbol.padded().as_chunks().0 {
        hasher.write_pair(halves(part));
    }
    hasher.write_pair((one, two));
    hasher.write_pair((three, four));
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

    #[test]
    fn ids_that_count_up_lie_side_by_side_and_stay_apart() {
        let print = |number: u32| print_of_id(1, format!("PRA-{number:07}").as_bytes());
        let upper = |print: u64| print >> 32;
        let prints: std::collections::HashSet<u64> = (0..100_000).map(print).collect();
        assert_eq!(prints.len(), 100_000);
        let rows: std::collections::HashSet<u64> = prints.iter().copied().map(upper).collect();
        assert_eq!(rows.len(), 10_000);
        assert!((0..100_000).all(|number| upper(print(number)) == upper(print(number / 10 * 10))));
        let of_bytes: std::collections::HashSet<u64> = (0..=255).map(|last| print_of_id(1, &[b'x', last])).collect();
        assert_eq!(of_bytes.len(), 256);
        assert_eq!([0, 1].map(|kind| print_of_id(kind, b"")), [0, 1].map(|kind| print_of(kind, b"")));
        assert_ne!(print_of_id(1, b"x"), print_of_id(2, b"x"));
    }
}
