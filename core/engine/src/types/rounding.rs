//! Division of products by the scale, half to even: what every amount, value and fee is rounded with.
//!
//! Invariant: each function is the exact quotient of the 128-bit product, rounded half to even; the ways that avoid wide
//! divisions differ in speed only. O(1).

use super::amount_error::AmountError;
use super::fixed::SCALE;

/// `numerator / denominator` rounded half to even; `denominator` must be positive.
#[inline]
pub(crate) fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    // One division, in 64 bits where it fits: this is on the path of every order. The product can leave the range by less
    // than the denominator, the remainder cannot, so both wrap.
    let (quotient, remainder) = match (i64::try_from(numerator), i64::try_from(denominator)) {
        (Ok(numerator), Ok(denominator)) => {
            let quotient = numerator.div_euclid(denominator);
            (i128::from(quotient), i128::from(numerator.wrapping_sub(quotient.wrapping_mul(denominator))))
        }
        _ => {
            let quotient = numerator.div_euclid(denominator);
            (quotient, numerator.wrapping_sub(quotient.wrapping_mul(denominator)))
        }
    };
    match (remainder * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    }
}

const UNIT: u64 = SCALE.unsigned_abs();

/// `product / 1e8`, half to even, without a 128-bit division: 2^64 = 1e8 * 184467440737 + 9551616. None when it does
/// not fit.
#[inline]
pub(crate) fn scaled_down(product: u128) -> Option<u64> {
    match u64::try_from(product) {
        Ok(low) => Some(scaled_down_small(low)),
        Err(_) => scaled_down_large(product),
    }
}

/// [`scaled_down`] of a product of 64 bits, which is nearly every one: the quotient is below 2^38 and fits always.
#[inline]
const fn scaled_down_small(product: u64) -> u64 {
    let quotient = product / UNIT;
    let remainder = product % UNIT;
    // Up when beyond the half, or at the half of an odd quotient.
    quotient + (remainder + (quotient & 1) > UNIT / 2) as u64
}

#[inline(never)]
fn scaled_down_large(product: u128) -> Option<u64> {
    let (high, low) = ((product >> 64) as u64, product as u64);
    if high >= 1 << 26 {
        return None;
    }
    let carried = high * 9_551_616;
    let rest = carried % UNIT + low % UNIT;
    let quotient = (high * 184_467_440_737).checked_add(carried / UNIT + low / UNIT + rest / UNIT)?;
    let remainder = rest % UNIT;
    quotient.checked_add(u64::from(remainder + (quotient & 1) > UNIT / 2))
}

/// `left * right / 1e8`, half to even; none when it leaves the range.
#[inline]
pub(super) fn scaled_product(left: i64, right: i64) -> Option<i64> {
    // Half to even is the same on both sides of zero, so the sign comes last.
    let negative = (left < 0) != (right < 0);
    match left.unsigned_abs().checked_mul(right.unsigned_abs()) {
        Some(product) => {
            let magnitude = scaled_down_small(product).cast_signed();
            Some(if negative { -magnitude } else { magnitude })
        }
        None => scaled_product_large(left, right, negative),
    }
}

#[inline(never)]
fn scaled_product_large(left: i64, right: i64, negative: bool) -> Option<i64> {
    let magnitude = scaled_down_large(u128::from(left.unsigned_abs()) * u128::from(right.unsigned_abs()))?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// As 64 bits, if it fits.
#[inline]
pub(crate) fn narrow(value: i128, what: &'static str) -> Result<i64, AmountError> {
    i64::try_from(value).map_err(|_| AmountError::overflow(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_the_half_even_quotient_of_its_128_bits() {
        let naive = |left: i64, right: i64| {
            i64::try_from(div_half_even(i128::from(left) * i128::from(right), i128::from(SCALE))).ok()
        };
        let mut seed = 1_u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let left = seed.cast_signed() >> (seed % 61);
            let right = seed.rotate_left(17).cast_signed() >> (seed % 53 + 3);
            assert_eq!(scaled_product(left, right), naive(left, right), "{left} {right}");
        }
        let edges = [0, 1, -1, 5, -5, 15, -15, SCALE, -SCALE, SCALE / 2, 10_000_000, i64::MAX, i64::MIN, i64::MIN + 1];
        for left in edges {
            for right in edges {
                assert_eq!(scaled_product(left, right), naive(left, right), "{left} {right}");
            }
        }
    }

    #[test]
    fn rounds_half_to_even() {
        assert_eq!(div_half_even(5, 2), 2);
        assert_eq!(div_half_even(7, 2), 4);
        assert_eq!(div_half_even(-5, 2), -2);
        assert_eq!(div_half_even(-7, 2), -4);
        let least = i128::from(i64::MIN);
        assert_eq!(div_half_even(least, 10), -922_337_203_685_477_581);
        assert_eq!(div_half_even(least, i128::from(i64::MAX)), -1);
    }
}
