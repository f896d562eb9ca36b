//! What is left of a message: literals, texts, numbers and lists of levels are taken from its beginning.
//!
//! Everything takes what it is named after or answers `None`; the caller then gives the message up. O(length taken).

use super::super::context::{Listed, on_step};
use super::super::decimal::{chunk, short_decimal, short_uint, thirteen_digits};
use crate::stream::event::Level;
use crate::types::{Price, Quantity};

/// One, and the highest bit, in each byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;
/// Longest text of a usual message, a stream's name.
const LONGEST_TEXT: usize = 256;

/// What stands before the next byte to read.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn take<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        let (head, tail) = self.rest.split_first_chunk::<N>()?;
        if head != literal {
            return None;
        }
        self.rest = tail;
        Some(())
    }

    /// Text without escapes, of printable ASCII, up to and with its closing quote.
    #[inline]
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let mut length = 0;
        loop {
            let word = chunk(self.rest.get(length..)?);
            // Bytes that end the text or are not plain: `"`, `\`, below 0x20, above 0x7E.
            let quote = word ^ (ONES * 0x22);
            let escape = word ^ (ONES * 0x5C);
            let special = (quote.wrapping_sub(ONES) & !quote)
                | (escape.wrapping_sub(ONES) & !escape)
                | (word.wrapping_sub(ONES * 0x20) & !word)
                | word;
            let special = special & TOPS;
            if special != 0 {
                length += (special.trailing_zeros() / 8) as usize;
                break;
            }
            length += 8;
            if length > LONGEST_TEXT {
                return None;
            }
        }
        let (text, tail) = self.rest.split_at_checked(length)?;
        self.rest = tail.strip_prefix(b"\"")?;
        Some(text)
    }

    /// A name: text up to and with the next quote. What is no plain text is no name that anybody registered.
    #[inline(always)]
    pub(super) fn name(&mut self) -> Option<&'a [u8]> {
        let word = chunk(self.rest) ^ (ONES * 0x22);
        let quote = word.wrapping_sub(ONES) & !word & TOPS;
        if quote == 0 {
            return self.text();
        }
        let (name, tail) = self.rest.split_at_checked((quote.trailing_zeros() / 8) as usize)?;
        self.rest = tail.strip_prefix(b"\"")?;
        Some(name)
    }

    /// A whole number that usually is a time in milliseconds.
    #[inline(always)]
    pub(super) fn time(&mut self) -> Option<u64> {
        if let Some((time, tail)) = self.rest.split_first_chunk::<13>()
            && tail.first().is_some_and(|next| !next.is_ascii_digit())
            && let Some(time) = thirteen_digits(time)
        {
            self.rest = tail;
            return Some(time);
        }
        self.uint()
    }

    #[inline(always)]
    pub(super) fn uint(&mut self) -> Option<u64> {
        let (value, length) = short_uint(self.rest)?;
        self.rest = self.rest.get(length..)?;
        Some(value)
    }

    /// A decimal and the quote after it.
    #[inline(always)]
    pub(super) fn decimal(&mut self) -> Option<i64> {
        let (value, length) = short_decimal(self.rest)?;
        self.rest = self.rest.get(length..)?.strip_prefix(b"\"")?;
        Some(value)
    }

    /// Levels after `[`, to the list's end.
    #[inline]
    pub(super) fn levels(&mut self, listed: Option<Listed>, key: &'static str, levels: &mut Vec<Level>) -> Option<()> {
        if self.take(b"]").is_some() {
            return Some(());
        }
        let steps = listed?.steps;
        self.take(b"[\"")?;
        loop {
            let price = self.decimal()?;
            self.take(b",\"")?;
            let quantity = self.decimal()?;
            on_step(key, price, steps.price).ok()?;
            on_step(key, quantity, steps.quantity).ok()?;
            levels.push((Price::from_raw(price), Quantity::from_raw(quantity)));
            if self.take(b"],[\"").is_none() {
                return self.take(b"]]");
            }
        }
    }
}
