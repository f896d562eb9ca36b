//! Digits to integers: eight at a time for the usual forms, one at a time for every other.
//!
//! The form is JSON's: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`, in a string or bare. The value is exact in 1e-8
//! units or refused. O(length).

use super::error::{Excerpt, ParseError};
use crate::types::SCALE;

/// Units in one, unsigned.
const UNITS: u64 = SCALE.unsigned_abs();

/// Powers of ten that scale a chunk of up to eight digits.
const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

#[inline]
fn power(exponent: usize) -> u64 {
    // The index is at most 8 by construction of the callers.
    POWERS.get(exponent).copied().unwrap_or_default()
}

/// The eight bytes at the start of `rest`, zero bytes after its end.
#[inline]
pub(super) fn chunk(rest: &[u8]) -> u64 {
    match rest.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    }
}

/// The eight bytes as values of digits, and bit 7 of each byte that is none; a carry can only reach later bytes than the
/// first such one.
#[inline(always)]
const fn digits(chunk: u64) -> (u64, u64) {
    let digits = chunk ^ 0x3030_3030_3030_3030;
    (digits, (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080)
}

/// The number of eight digits.
#[inline(always)]
const fn number(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

/// Value and count of the digits that begin a chunk.
#[inline(always)]
const fn leading_digits(chunk: u64) -> (u64, usize) {
    let (digits, others) = digits(chunk);
    let count = others.trailing_zeros() / 8;
    if count == 0 {
        return (0, 0);
    }
    // The digits end at the top byte, zeros lead.
    (number(digits << (64 - 8 * count)), count as usize)
}

/// A whole number of exactly 13 digits, as times in milliseconds are until 2286, that begins `rest`. Its length is known
/// before its digits are read, so what comes after it need not wait.
#[inline(always)]
pub(super) fn thirteen_digits(rest: &[u8; 13]) -> Option<u64> {
    let (head, tail) = (rest.first_chunk::<8>()?, rest.last_chunk::<8>()?);
    let (head, no_head) = digits(u64::from_le_bytes(*head));
    let (tail, no_tail) = digits(u64::from_le_bytes(*tail));
    // The first five digits end at the top byte.
    let value = number(head << 24) * UNITS + number(tail);
    (no_head | no_tail == 0 && value >= 1_000_000_000_000).then_some(value)
}

/// A whole number of exactly 19 digits, as times in nanoseconds are from 2001 to 2286, that begins `rest`.
#[inline]
pub(super) fn nineteen_digits(rest: &[u8; 19]) -> Option<u64> {
    let (head, tail) = (rest.first_chunk::<8>()?, rest.last_chunk::<8>()?);
    let middle = rest.get(3..)?.first_chunk::<8>()?;
    let (head, no_head) = digits(u64::from_le_bytes(*head));
    let (middle, no_middle) = digits(u64::from_le_bytes(*middle));
    let (tail, no_tail) = digits(u64::from_le_bytes(*tail));
    if no_head | no_middle | no_tail != 0 {
        return None;
    }
    // The first three digits end at the top byte; 19 digits are below 2^64.
    let value = (number(head << 40) * UNITS + number(middle)) * UNITS + number(tail);
    (value >= 1_000_000_000_000_000_000).then_some(value)
}

/// A whole number of at most 16 digits without leading zeros that begins `rest`, and its length.
#[inline(always)]
pub(super) fn short_uint(rest: &[u8]) -> Option<(u64, usize)> {
    let (first, count) = leading_digits(chunk(rest));
    if count < 8 {
        return (count > 0 && (count == 1 || rest.first() != Some(&b'0'))).then_some((first, count));
    }
    let tail = rest.get(8..)?;
    let (second, more) = leading_digits(chunk(tail));
    if rest.first() == Some(&b'0') || (more == 8 && tail.get(8).is_some_and(u8::is_ascii_digit)) {
        return None;
    }
    Some((first * power(more) + second, 8 + more))
}

/// A decimal of the usual form (`61837.63000000`: at most 8 digits before the point and 8 after) that begins `rest`, in 1e-8
/// units, and its length. `None` for any other form, good or bad.
#[inline(always)]
pub(super) fn short_decimal(rest: &[u8]) -> Option<(i64, usize)> {
    let (whole, count) = leading_digits(chunk(rest));
    if count == 0 || (count > 1 && rest.first() == Some(&b'0')) {
        return None;
    }
    let tail = rest.get(count..)?;
    // Below 1e8 x 1e8 = 1e16, far inside 63 bits.
    if let Some(fraction) = tail.strip_prefix(b".") {
        // All eight decimals, as spot markets write them: the length is known without counting.
        if let Some((eight, [b'"', ..])) = fraction.split_first_chunk::<8>()
            && let (eight, 0) = digits(u64::from_le_bytes(*eight))
        {
            return Some(((whole * UNITS + number(eight)).cast_signed(), count + 9));
        }
        let (value, decimals) = leading_digits(chunk(fraction));
        if decimals == 0 || (decimals == 8 && fraction.get(8).is_some_and(u8::is_ascii_digit)) {
            return None;
        }
        let raw = whole * UNITS + value * power(8 - decimals);
        return Some((raw.cast_signed(), count + 1 + decimals));
    }
    if tail.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some(((whole * UNITS).cast_signed(), count))
}

/// Parts of a number in JSON's form.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

fn digits_of(text: &[u8]) -> (&[u8], &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(count).unwrap_or((text, &[]))
}

fn parts(text: &[u8]) -> Option<(Parts<'_>, &[u8])> {
    let (negative, rest) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
    let (whole, mut rest) = digits_of(rest);
    if whole.is_empty() || (whole.len() > 1 && whole.first() == Some(&b'0')) {
        return None;
    }
    let mut fraction: &[u8] = &[];
    if let Some(tail) = rest.strip_prefix(b".") {
        (fraction, rest) = digits_of(tail);
        if fraction.is_empty() {
            return None;
        }
    }
    let mut exponent = 0;
    if let Some((b'e' | b'E', tail)) = rest.split_first() {
        let (sign, tail) = match tail.split_first() {
            Some((b'-', tail)) => (-1, tail),
            Some((b'+', tail)) => (1, tail),
            _ => (1, tail),
        };
        let (digits, tail) = digits_of(tail);
        if digits.is_empty() {
            return None;
        }
        // Far beyond the length of any message: what it multiplies is out of range or too precise either way.
        let size = digits.iter().fold(0_i64, |sum, byte| (sum * 10 + i64::from(byte - b'0')).min(1 << 40));
        (exponent, rest) = (sign * size, tail);
    }
    Some((Parts { negative, whole, fraction, exponent }, rest))
}

/// Length of the number in JSON's form that begins `text`, 0 when none does.
pub(super) fn number_length(text: &[u8]) -> usize {
    parts(text).map_or(0, |(_, rest)| text.len() - rest.len())
}

/// A decimal in any JSON form, in 1e-8 units.
pub(super) fn decimal(text: &[u8], key: &'static str) -> Result<i64, ParseError> {
    let excerpt = || Excerpt::new(text);
    let Some((parts, [])) = parts(text) else { return Err(ParseError::NotANumber { key, text: excerpt() }) };
    let mut raw: i128 = 0;
    // The first digit counts this power of ten of 1e-8 units.
    let mut place = i64::try_from(parts.whole.len()).unwrap_or(i64::MAX) - 1 + parts.exponent + 8;
    for byte in parts.whole.iter().chain(parts.fraction) {
        let digit = byte - b'0';
        if digit != 0 {
            if place < 0 {
                return Err(ParseError::TooPrecise { key, text: excerpt() });
            }
            let exponent = u32::try_from(place).ok().filter(|exponent| *exponent <= 18);
            let Some(exponent) = exponent else { return Err(ParseError::OutOfRange { key, text: excerpt() }) };
            raw += i128::from(digit) * 10_i128.pow(exponent);
        }
        place -= 1;
    }
    if parts.negative && raw == 0 {
        return Err(ParseError::NegativeZero { key, text: excerpt() });
    }
    let raw = if parts.negative { -raw } else { raw };
    i64::try_from(raw).map_err(|_| ParseError::OutOfRange { key, text: excerpt() })
}

/// A whole number from 0 to 2^64 - 1, no point, no exponent.
pub(super) fn uint(text: &[u8], key: &'static str) -> Result<u64, ParseError> {
    let excerpt = || Excerpt::new(text);
    let digits = digits_of(text).0.len() == text.len();
    if text.is_empty() || !digits || (text.len() > 1 && text.first() == Some(&b'0')) {
        return Err(ParseError::NotANumber { key, text: excerpt() });
    }
    text.iter()
        .try_fold(0_u64, |sum, byte| sum.checked_mul(10)?.checked_add(u64::from(byte - b'0')))
        .ok_or(ParseError::OutOfRange { key, text: excerpt() })
}

/// A whole number of 32 bits, signed or not, as its bits (venues print checksums either way).
pub(super) fn bits32(text: &[u8], key: &'static str) -> Result<u32, ParseError> {
    let out_of_range = |_| ParseError::OutOfRange { key, text: Excerpt::new(text) };
    match text.strip_prefix(b"-") {
        None => u32::try_from(uint(text, key)?).map_err(out_of_range),
        Some(digits) => {
            let size = i64::try_from(uint(digits, key)?).map_err(out_of_range)?;
            i32::try_from(-size).map(i32::cast_unsigned).map_err(out_of_range)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::Price;

    fn read(text: &str) -> Result<i64, ParseError> {
        decimal(text.as_bytes(), "p")
    }

    #[test]
    fn every_form_of_json_is_exact_or_refused() {
        for (text, raw) in [
            ("0", 0),
            ("0.00000001", 1),
            ("-0.5", -50_000_000),
            ("1e-8", 1),
            ("1E-7", 10),
            ("12.5e+1", 12_500_000_000),
            ("0.0000000100000", 1),
            ("92233720368.54775807", i64::MAX),
            ("-92233720368.54775808", i64::MIN),
            ("0e999999999999999999999", 0),
            ("100000000000000e-14", 100_000_000),
            ("0.000022900", 2290),
        ] {
            assert_eq!(read(text), Ok(raw), "{text}");
        }
        let excerpt = |text: &str| Excerpt::new(text.as_bytes());
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "+1",
            "01",
            "-01.5",
            "1e",
            "1e+",
            "1.e5",
            "nan",
            "NaN",
            "inf",
            "-Infinity",
            "0x1",
            "1_0",
            " 1",
            "1 ",
            "1,5",
            "1.5.2",
            "--1",
            "1e5e5",
            "\u{661}",
        ] {
            assert_eq!(read(text), Err(ParseError::NotANumber { key: "p", text: excerpt(text) }), "{text:?}");
        }
        for text in ["-0", "-0.000", "-0e5"] {
            assert_eq!(read(text), Err(ParseError::NegativeZero { key: "p", text: excerpt(text) }));
        }
        for text in ["1e-9", "0.000000001", "1.234567891", "1e-99999999999999999999", "5e-324"] {
            assert_eq!(read(text), Err(ParseError::TooPrecise { key: "p", text: excerpt(text) }));
        }
        for text in ["92233720368.54775808", "1e11", "1e400", "99999999999999999999999", "1e99999999999999999999"] {
            assert_eq!(read(text), Err(ParseError::OutOfRange { key: "p", text: excerpt(text) }));
        }
    }

    #[test]
    fn whole_numbers_and_checksums() {
        assert_eq!(uint(b"18446744073709551615", "u"), Ok(u64::MAX));
        for text in ["18446744073709551616", "", "-1", "1.0", "01", "1e3", "x"] {
            assert!(uint(text.as_bytes(), "u").is_err(), "{text:?}");
        }
        assert_eq!(bits32(b"-914047754", "checksum"), Ok((-914_047_754_i32).cast_unsigned()));
        assert_eq!(bits32(b"4294967295", "checksum"), Ok(u32::MAX));
        assert!(bits32(b"4294967296", "checksum").is_err() && bits32(b"-2147483649", "checksum").is_err());
    }

    proptest! {
        /// Nineteen digits are what the slow reader makes of them, and nothing else is taken.
        #[test]
        fn nineteen_digits_equal_the_slow_reader(text in "[0-9]{19}|[0-9/:]{19}|[ -~]{19}") {
            let rest = text.as_bytes().first_chunk::<19>().copied().unwrap_or_default();
            prop_assert_eq!(nineteen_digits(&rest), uint(text.as_bytes(), "T").ok());
        }

        /// Thirteen digits are what the slow reader makes of them, and nothing else is taken.
        #[test]
        fn thirteen_digits_equal_the_slow_reader(text in "[0-9]{13}|[0-9/:]{13}|[ -~]{13}") {
            let rest = text.as_bytes().first_chunk::<13>().copied().unwrap_or_default();
            prop_assert_eq!(thirteen_digits(&rest), uint(text.as_bytes(), "T").ok());
        }

        /// The short readers take a prefix of the text exactly as the slow readers take that prefix alone.
        #[test]
        fn short_forms_equal_the_slow_ones(text in "[0-9]{0,18}(\\.[0-9]{0,10})?[\",x0-9]{0,9}") {
            if let Some((value, length)) = short_decimal(text.as_bytes()) {
                prop_assert_eq!(read(text.get(..length).unwrap_or_default()), Ok(value));
                prop_assert_eq!(length, number_length(text.as_bytes()));
            }
            if let Some((value, length)) = short_uint(text.as_bytes()) {
                prop_assert_eq!(uint(text.as_bytes().get(..length).unwrap_or_default(), "u"), Ok(value));
                let next = text.as_bytes().get(length);
                prop_assert!(!next.is_some_and(u8::is_ascii_digit));
            }
        }

        /// The usual forms are taken by the short reader, so that the fast path is one.
        #[test]
        fn usual_forms_are_short(whole in 0_u64..100_000_000, fraction in "(\\.[0-9]{1,8})?", tail in "[\",}\\]]{1,3}") {
            let number = format!("{whole}{fraction}");
            let text = format!("{number}{tail}");
            let expected = Price::parse(&number).ok().map(|price| (price.raw(), number.len()));
            prop_assert_eq!(short_decimal(text.as_bytes()), expected);
        }

        /// Against the parser of `types`, which is another one.
        #[test]
        fn equals_the_parser_of_amounts(text in "-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,10})?") {
            match (read(&text), Price::parse(&text)) {
                (Ok(raw), Ok(price)) => prop_assert_eq!(raw, price.raw()),
                (Err(ParseError::NegativeZero { .. }), Ok(price)) => prop_assert_eq!(price, Price::ZERO),
                (Err(_), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{text}: {ours:?} {theirs:?}"),
            }
        }
    }
}
