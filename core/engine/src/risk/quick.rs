//! A fast hasher for inline ids, and fast division by the scale.

use std::hash::{BuildHasherDefault, Hasher};

use crate::types::{AmountError, Money, Price, Quantity, SCALE};

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
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.write_u64(chunk.try_into().map_or(0, u64::from_le_bytes));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut last = [0_u8; 8];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            self.write_u64(u64::from_le_bytes(last) ^ ((rest.len() as u64) << 59));
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word ^ 0xA076_1D64_78BD_642F, MULTIPLIER).wrapping_add(self.0.rotate_left(23));
    }

    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
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

/// `price * quantity` as [`Price::notional`] has it (half to even), for amounts of zero or more, without a 128-bit
/// division: 2^64 = 1e8 * 184467440737 + 9551616.
///
/// # Errors
/// Overflow, or a negative amount.
#[inline]
pub(crate) fn notional(price: Price, quantity: Quantity) -> Result<Money, AmountError> {
    let overflow = AmountError::Overflow { what: "price x quantity" };
    let (Ok(price), Ok(quantity)) = (u64::try_from(price.raw()), u64::try_from(quantity.raw())) else {
        return price.notional(quantity);
    };
    let product = u128::from(price) * u128::from(quantity);
    scaled_down(product).and_then(|raw| i64::try_from(raw).ok()).map(Money::from_raw).ok_or(overflow)
}

/// `product / 1e8`, half to even; none when it does not fit.
#[inline]
pub(crate) fn scaled_down(product: u128) -> Option<u64> {
    const UNIT: u64 = SCALE.unsigned_abs();
    let (high, low) = ((product >> 64) as u64, product as u64);
    if high >= 1 << 26 {
        return None;
    }
    let carried = high * 9_551_616;
    let rest = carried % UNIT + low % UNIT;
    let quotient = (high * 184_467_440_737).checked_add(carried / UNIT + low / UNIT + rest / UNIT)?;
    let remainder = rest % UNIT;
    let up = remainder > UNIT / 2 || (remainder == UNIT / 2 && quotient % 2 == 1);
    quotient.checked_add(u64::from(up))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_wrap, reason = "spread over the whole range on purpose")]
    use super::*;

    #[test]
    fn notional_is_the_notional_of_a_price() {
        let mut seed = 1_u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let price = Price::from_raw((seed >> (seed % 61)) as i64);
            let quantity = Quantity::from_raw((seed.rotate_left(17) >> (seed % 53 + 3)) as i64);
            assert_eq!(notional(price, quantity), price.notional(quantity), "{price:?} {quantity:?}");
        }
        for (price, quantity) in [(5, 10_000_000), (15, 10_000_000), (i64::MAX, i64::MAX), (i64::MAX, SCALE)] {
            let (price, quantity) = (Price::from_raw(price), Quantity::from_raw(quantity));
            assert_eq!(notional(price, quantity), price.notional(quantity));
        }
    }

    #[test]
    fn texts_of_one_byte_difference_have_other_prints() {
        let prints: std::collections::HashSet<u64> =
            (0..100_000).map(|number| print_of(0, format!("PRA-1-{number:016x}").as_bytes())).collect();
        assert_eq!(prints.len(), 100_000);
        assert_ne!(print_of(0, b"x"), print_of(1, b"x"));
    }
}
