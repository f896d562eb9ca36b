//! Equity over time: the start of the day and of the month, and the highest mark.
//!
//! Days and months are UTC by the market's clock; a mark at midnight belongs to the day before. The day begins with
//! the last equity of the day before. Monthly drawdown is measured from the highest equity since the month began, the
//! maximum drawdown from the highest ever; a measure that was breached begins anew when a person re-arms.

use super::spec::Measure;
use crate::types::{Money, UtcNanos};

/// What must be remembered of equity; small enough to be written with every change of state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Day of the last mark and the equity it began with.
    pub day: Option<(i64, Money)>,
    /// Month of the last mark (months since 1970) and its highest equity.
    pub month: Option<(i64, Money)>,
    /// Highest equity.
    pub peak: Option<Money>,
    /// Equity at the last mark.
    pub last: Option<Money>,
}

impl Marks {
    /// Equity at an instant.
    pub fn mark(&mut self, ts_event: UtcNanos, equity: Money) {
        let day = ts_event.closing_day();
        let month = month_of(day);
        let before = self.last.unwrap_or(equity);
        if self.day.is_none_or(|(current, _)| current != day) {
            self.day = Some((day, before));
        }
        self.month = Some(match self.month {
            Some((current, highest)) if current == month => (month, highest.max(equity)),
            _ => (month, before.max(equity)),
        });
        self.peak = Some(self.peak.map_or(equity, |peak| peak.max(equity)));
        self.last = Some(equity);
    }

    /// Begin the named measures (day, month, peak) anew from the last equity: what re-arming after their breach means.
    pub fn restart(&mut self, [day, month, peak]: [bool; 3]) {
        let Some(equity) = self.last else { return };
        if day {
            self.day = self.day.map(|(day, _)| (day, equity));
        }
        if month {
            self.month = self.month.map(|(month, _)| (month, equity));
        }
        if peak {
            self.peak = Some(equity);
        }
    }

    /// Loss since the day began, a share of what it began with; zero for a gain and before the first mark.
    #[must_use]
    pub fn daily_loss(&self, equity: Money) -> Measure {
        lost(self.day.map(|(_, start)| start), equity)
    }

    /// Loss since the month's highest equity.
    #[must_use]
    pub fn monthly_drawdown(&self, equity: Money) -> Measure {
        lost(self.month.map(|(_, highest)| highest), equity)
    }

    /// Loss since the highest equity.
    #[must_use]
    pub fn drawdown(&self, equity: Money) -> Measure {
        lost(self.peak, equity)
    }
}

fn lost(from: Option<Money>, equity: Money) -> Measure {
    let Some(from) = from else { return Measure::value(0) };
    let loss = from.raw().saturating_sub(equity.raw());
    if loss <= 0 { Measure::value(0) } else { Measure::share(loss, from.raw()) }
}

/// Months since January 1970 of a day since 1970 (proleptic Gregorian, days-from-civil inverted).
const fn month_of(day: i64) -> i64 {
    let shifted = day.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 2 } else { march_month - 10 };
    let year = year + era * 400 + (if march_month < 10 { 0 } else { 1 });
    (year - 1970) * 12 + month
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let mut day = 0;
        for year in 1970..2170 {
            for month in 0..12 {
                let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
                let length = match month {
                    1 => 28 + i64::from(leap),
                    3 | 5 | 8 | 10 => 30,
                    _ => 31,
                };
                for _ in 0..length {
                    assert_eq!(month_of(day), (year - 1970) * 12 + month, "day {day}");
                    day += 1;
                }
            }
        }
    }
}
