//! Time frames and their buckets, in UTC.

use thiserror::Error;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 1970-01-05 was a Monday.
const FIRST_MONDAY: i64 = 4 * DAY;

/// A time frame: a fixed length, an ISO week (from Monday 00:00 UTC) or a calendar month (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeframe {
    /// Buckets of this many nanoseconds since 1970.
    Fixed(i64),
    /// From Monday to Monday.
    Week,
    /// From the first of a month to the first of the next.
    Month,
}

/// A name that is no time frame.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("timeframe {0:?} is not known; use a count and a unit (1m 5m 15m 30m 1h 4h 12h 1d 3d), 1w or 1mo")]
pub struct UnknownTimeframe(pub String);

impl Timeframe {
    /// Parse `5m`, `4h`, `1d`, `1w`, `1mo`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(name: &str) -> Result<Self, UnknownTimeframe> {
        let unknown = || UnknownTimeframe(name.to_owned());
        match name {
            "1w" => return Ok(Self::Week),
            "1mo" => return Ok(Self::Month),
            _ => {}
        }
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = name.split_at_checked(digits).ok_or_else(unknown)?;
        let count: i64 = count.parse().map_err(|_| unknown())?;
        let unit = match unit {
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            _ => return Err(unknown()),
        };
        if !(1..=1440).contains(&count) {
            return Err(unknown());
        }
        Ok(Self::Fixed(count * unit))
    }

    /// Length in nanoseconds; 7 and 30 days for weeks and months.
    #[must_use]
    pub const fn nominal(self) -> i64 {
        match self {
            Self::Fixed(nanos) => nanos,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
        }
    }

    /// Start of the bucket that holds `ts`.
    #[must_use]
    pub const fn start(self, ts: i64) -> i64 {
        match self {
            Self::Fixed(nanos) => ts - ts.rem_euclid(nanos),
            Self::Week => ts - (ts.saturating_sub(FIRST_MONDAY)).rem_euclid(7 * DAY),
            Self::Month => month_start(months_since_1970(ts.div_euclid(DAY))),
        }
    }

    /// End of the bucket that holds `ts`: the start of the next one.
    #[must_use]
    pub const fn end(self, ts: i64) -> i64 {
        match self {
            Self::Fixed(nanos) => self.start(ts).saturating_add(nanos),
            Self::Week => self.start(ts).saturating_add(7 * DAY),
            Self::Month => month_start(months_since_1970(ts.div_euclid(DAY)) + 1),
        }
    }
}

impl Timeframe {
    /// Whether every bucket of `self` is made of whole buckets of `finer`.
    #[must_use]
    pub const fn holds(self, finer: Self) -> bool {
        match (self, finer) {
            (Self::Fixed(coarse), Self::Fixed(fine)) => coarse % fine == 0,
            // Weeks and months begin at a midnight, so only bars that divide a day fit into them.
            (Self::Week | Self::Month, Self::Fixed(fine)) => DAY % fine == 0,
            (Self::Week, Self::Week) | (Self::Month, Self::Month) => true,
            _ => false,
        }
    }
}

/// Months since January 1970 of a day number (civil calendar, Howard Hinnant's `civil_from_days`).
const fn months_since_1970(day: i64) -> i64 {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (month, year) = if mp < 10 { (mp + 3, yoe + era * 400) } else { (mp - 9, yoe + era * 400 + 1) };
    (year - 1970) * 12 + month - 1
}

/// Nanosecond at which a month begins (`days_from_civil` of its first day).
const fn month_start(months: i64) -> i64 {
    let (year, month) = (1970 + months.div_euclid(12), months.rem_euclid(12) + 1);
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    (era * 146_097 + doe - 719_468) * DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        // 2012-03-07 12:00 UTC, a Wednesday.
        let ts = 1_331_121_600 * SECOND;
        assert_eq!(Timeframe::Week.start(ts), 1_330_905_600 * SECOND);
        assert_eq!(Timeframe::Week.end(ts), 1_331_510_400 * SECOND);
        assert_eq!(Timeframe::Month.start(ts), 1_330_560_000 * SECOND);
        assert_eq!(Timeframe::Month.end(ts), 1_333_238_400 * SECOND);
    }

    #[test]
    fn buckets_hold_their_time_and_touch_each_other() {
        for frame in [Timeframe::Fixed(HOUR), Timeframe::Week, Timeframe::Month] {
            for ts in (-400..40_000).map(|day| day * DAY + 12_345) {
                let (start, end) = (frame.start(ts), frame.end(ts));
                assert!(start <= ts && ts < end, "{frame:?} {ts}");
                assert_eq!(frame.start(end), end);
                assert_eq!(frame.end(start), end);
            }
        }
    }

    #[test]
    fn refuses_what_is_no_time_frame() {
        for name in ["", "d", "0d", "-1h", "1x", "1.5h", "2w", "1M", "99999m"] {
            assert!(Timeframe::parse(name).is_err(), "{name:?} was accepted");
        }
    }
}
