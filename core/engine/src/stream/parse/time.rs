//! Times of venues: whole numbers whose unit is seen from their size, and ISO 8601 text.
//!
//! A whole number of seconds, milli-, micro- or nanoseconds between 1973 and 2262 has one reading only. A connection keeps
//! the unit it began with: another one is refused, and after [`ADOPT_AFTER`] in a row adopted and counted, so that neither
//! a damaged first message nor a changed setting stops a feed for good.

use std::fmt;

use super::error::{Excerpt, ParseError};
use crate::types::UtcNanos;

/// Times in another unit in a row after which it is taken as the connection's.
pub const ADOPT_AFTER: u32 = 3;

/// What a venue counts time in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl TimeUnit {
    /// The unit in which `value` is a time between 1973 and 2262.
    #[must_use]
    #[inline]
    pub const fn of(value: u64) -> Option<Self> {
        match value {
            100_000_000..100_000_000_000 => Some(Self::Seconds),
            100_000_000_000..100_000_000_000_000 => Some(Self::Millis),
            100_000_000_000_000..100_000_000_000_000_000 => Some(Self::Micros),
            100_000_000_000_000_000..=9_223_372_036_854_775_807 => Some(Self::Nanos),
            _ => None,
        }
    }

    /// Nanoseconds of one.
    #[must_use]
    #[inline]
    pub const fn nanos(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Nanos => "nanoseconds",
        })
    }
}

/// `value` as a time in its own unit.
#[inline(always)]
pub(super) fn from_number(value: u64) -> Option<(UtcNanos, TimeUnit)> {
    let unit = TimeUnit::of(value)?;
    let nanos = i64::try_from(value).ok()?.checked_mul(unit.nanos())?;
    Some((UtcNanos(nanos), unit))
}

/// The unit of a connection's times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    unit: Option<TimeUnit>,
    other: Option<TimeUnit>,
    in_a_row: u32,
    /// Times in another unit than the connection's.
    pub(super) changes: u64,
}

impl Clock {
    /// No unit yet.
    pub(super) const fn new() -> Self {
        Self { unit: None, other: None, in_a_row: 0, changes: 0 }
    }

    /// Another connection: its unit is not known yet.
    pub(super) const fn forget(&mut self) {
        (self.unit, self.other, self.in_a_row) = (None, None, 0);
    }

    /// The time, where its unit is already the connection's; nothing changes.
    #[inline(always)]
    pub(super) fn same_unit(&self, value: u64) -> Option<UtcNanos> {
        let (time, unit) = from_number(value)?;
        (self.unit == Some(unit) && self.in_a_row == 0).then_some(time)
    }

    /// Take the unit of a message's times, which are `values`.
    pub(super) fn take(&mut self, key: &'static str, unit: TimeUnit) -> Result<(), ParseError> {
        let Some(expected) = self.unit else {
            self.unit = Some(unit);
            return Ok(());
        };
        if expected == unit {
            self.in_a_row = 0;
            return Ok(());
        }
        self.changes += 1;
        self.in_a_row = if self.other == Some(unit) { self.in_a_row + 1 } else { 1 };
        self.other = Some(unit);
        if self.in_a_row >= ADOPT_AFTER {
            (self.unit, self.in_a_row) = (Some(unit), 0);
            return Ok(());
        }
        Err(ParseError::UnitChanged { key, expected, found: unit })
    }

    /// The connection's unit.
    pub(super) const fn unit(&self) -> Option<TimeUnit> {
        self.unit
    }
}

/// `2021-04-17T16:43:30.244075Z`: UTC, one to nine decimals or none.
pub(super) fn from_iso(text: &[u8], key: &'static str) -> Result<UtcNanos, ParseError> {
    iso(text).ok_or(ParseError::BadTime { key, text: Excerpt::new(text) })
}

fn iso(text: &[u8]) -> Option<UtcNanos> {
    let number = |from: usize, to: usize| -> Option<i64> {
        text.get(from..to)?
            .iter()
            .try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, byte)| text.get(*at) != Some(byte)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let rest = text.get(19..)?.strip_suffix(b"Z")?;
    let nanos = match rest.strip_prefix(b".") {
        None if rest.is_empty() => 0,
        Some(decimals) if (1..=9).contains(&decimals.len()) => {
            let missing = u32::try_from(9 - decimals.len()).ok()?;
            number(20, 20 + decimals.len())? * 10_i64.pow(missing)
        }
        _ => return None,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1973..2262).contains(&year) || !(1..=month_days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days from civil, years that begin in March.
    let shifted = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
    Some(UtcNanos((days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000_000_000 + nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_iso_times() {
        // Python: int(datetime.fromisoformat(text).timestamp() * 1e6) * 1000
        for (text, nanos) in [
            ("2021-04-17T16:43:30.244075Z", 1_618_677_810_244_075_000),
            ("2024-02-29T23:59:59.999999999Z", 1_709_251_199_999_999_999),
            ("2000-03-01T00:00:00Z", 951_868_800_000_000_000),
            ("1999-12-31T00:00:00.5Z", 946_598_400_500_000_000),
        ] {
            assert_eq!(from_iso(text.as_bytes(), "time"), Ok(UtcNanos(nanos)), "{text}");
        }
        for text in [
            "",
            "2021-04-17",
            "2021-02-29T00:00:00Z",
            "2021-04-17T24:00:00Z",
            "2021-04-17T16:43:30.Z",
            "2021-04-17T16:43:30",
            "2021-13-01T00:00:00Z",
            "2021-04-17T16:43:30.0000000000Z",
            "+021-04-17T16:43:30Z",
            "2021-04-17T16:43:30+00:00",
            "2300-01-01T00:00:00Z",
            "1800-01-01T00:00:00Z",
        ] {
            assert!(from_iso(text.as_bytes(), "time").is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn each_size_has_one_unit() {
        let units =
            [1_723_161_255, 1_723_161_255_343, 1_723_161_255_343_000, 1_723_161_255_343_000_000].map(TimeUnit::of);
        let expected = [TimeUnit::Seconds, TimeUnit::Millis, TimeUnit::Micros, TimeUnit::Nanos].map(Some);
        assert_eq!(units, expected);
        assert_eq!([0, 1, 99_999_999, u64::MAX].map(TimeUnit::of), [None; 4]);
        assert_eq!(from_number(99_999_999_999), None, "beyond 2262");
    }

    #[test]
    fn another_unit_is_refused_then_adopted() {
        let mut clock = Clock::new();
        assert_eq!(clock.take("T", TimeUnit::Millis), Ok(()));
        let refused = Err(ParseError::UnitChanged { key: "T", expected: TimeUnit::Millis, found: TimeUnit::Micros });
        assert_eq!(clock.take("T", TimeUnit::Micros), refused);
        assert_eq!(clock.take("T", TimeUnit::Millis), Ok(()));
        assert_eq!([0; 3].map(|_| clock.take("T", TimeUnit::Micros).is_ok()), [false, false, true]);
        assert_eq!((clock.unit(), clock.changes), (Some(TimeUnit::Micros), 4));
    }
}
