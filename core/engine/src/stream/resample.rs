//! Coarser bars out of finer ones, closed buckets only.

use thiserror::Error;

use super::timeframe::Timeframe;

/// Columns of bars of equal length, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// Start of each bar, UTC ns.
    pub ts_open: Vec<i64>,
    /// End of each bar, UTC ns.
    pub ts_event: Vec<i64>,
    /// First prices.
    pub open: Vec<f64>,
    /// Highest prices.
    pub high: Vec<f64>,
    /// Lowest prices.
    pub low: Vec<f64>,
    /// Last prices.
    pub close: Vec<f64>,
    /// Volumes.
    pub volume: Vec<f64>,
}

/// Columns that are no bars.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BarsError {
    /// Columns of different length.
    #[error("column {name} has {found} rows, ts_open has {expected}; all columns must be equally long")]
    Length {
        /// Column.
        name: &'static str,
        /// Its length.
        found: usize,
        /// Length of `ts_open`.
        expected: usize,
    },
    /// Times that do not ascend.
    #[error("ts_open does not ascend at row {row}; sort the bars and drop duplicates")]
    Order {
        /// First row that is not later than the one before.
        row: usize,
    },
    /// A bar that does not begin where its time frame's buckets begin, so nobody can say when it closes.
    #[error(
        "the bar at row {row} begins at {ts} ns, not on the timeframe's grid; move it to {start} ns if it is that bar"
    )]
    OffGrid {
        /// First such row.
        row: usize,
        /// Its start.
        ts: i64,
        /// Start of the bucket that holds it.
        start: i64,
    },
    /// A target that is not made of whole base bars.
    #[error(
        "the coarser timeframe is not made of whole base bars; choose one that is a multiple (1w and 1mo: of days)"
    )]
    Nesting,
}

impl Bars {
    /// Bars of `base` cut so that none closes after `asof`.
    ///
    /// # Errors
    /// Columns of different length, or times that do not ascend.
    pub fn closed(
        base: Timeframe,
        ts_open: &[i64],
        columns: [(&'static str, &[f64]); 5],
        asof: i64,
    ) -> Result<Self, BarsError> {
        let expected = ts_open.len();
        if let Some((name, values)) = columns.iter().find(|(_, values)| values.len() != expected) {
            return Err(BarsError::Length { name, found: values.len(), expected });
        }
        if let Some(row) = ts_open.iter().zip(ts_open.iter().skip(1)).position(|(earlier, later)| earlier >= later) {
            return Err(BarsError::Order { row: row + 1 });
        }
        if let Some((row, ts)) = ts_open.iter().enumerate().find(|(_, ts)| base.start(**ts) != **ts) {
            return Err(BarsError::OffGrid { row, ts: *ts, start: base.start(*ts) });
        }
        let ts_event: Vec<i64> = ts_open.iter().map(|ts| base.end(*ts)).take_while(|end| *end <= asof).collect();
        let kept = ts_event.len();
        let [open, high, low, close, volume] = columns.map(|(_, values)| values.iter().take(kept).copied().collect());
        Ok(Self { ts_open: ts_open.iter().take(kept).copied().collect(), ts_event, open, high, low, close, volume })
    }

    /// Number of bars.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ts_open.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ts_open.is_empty()
    }
}

/// Closed bars of `target` out of closed bars of `base`: first open, highest high, lowest low, last close, summed
/// volume. A bucket counts once it ended at or before `asof`. The first bucket is dropped unless the first bar begins
/// exactly with it, as nobody knows whether it is whole.
///
/// # Errors
/// A target that is not made of whole base bars.
pub fn resample(bars: &Bars, base: Timeframe, target: Timeframe, asof: i64) -> Result<Bars, BarsError> {
    if !target.holds(base) {
        return Err(BarsError::Nesting);
    }
    let mut out = Bars::default();
    let first_whole = bars
        .ts_open
        .first()
        .map_or(i64::MIN, |first| if target.start(*first) == *first { *first } else { target.end(*first) });
    let prices = bars.open.iter().zip(&bars.high).zip(&bars.low).zip(&bars.close).zip(&bars.volume);
    for (ts, ((((open, high), low), close), volume)) in bars.ts_open.iter().zip(prices) {
        let (start, end) = (target.start(*ts), target.end(*ts));
        if start < first_whole || end > asof {
            continue;
        }
        let same = out.ts_open.last() == Some(&start);
        match (out.high.last_mut(), out.low.last_mut(), out.close.last_mut(), out.volume.last_mut()) {
            (Some(last_high), Some(last_low), Some(last_close), Some(last_volume)) if same => {
                // `f64::max` would drop a NaN; a hole in the data must stay visible.
                if high.is_nan() || *high > *last_high {
                    *last_high = *high;
                }
                if low.is_nan() || *low < *last_low {
                    *last_low = *low;
                }
                *last_close = *close;
                *last_volume += volume;
            }
            _ => {
                out.ts_open.push(start);
                out.ts_event.push(end);
                out.open.push(*open);
                out.high.push(*high);
                out.low.push(*low);
                out.close.push(*close);
                out.volume.push(*volume);
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000_000;

    fn daily(from: i64, count: i64, asof: i64) -> Result<Bars, BarsError> {
        let ts: Vec<i64> = (from..from + count).map(|day| day * DAY).collect();
        let values: Vec<f64> = (0..ts.len()).map(|row| 10.0 + f64::from(u32::try_from(row).unwrap_or(0))).collect();
        let columns = ["open", "high", "low", "close", "volume"].map(|name| (name, values.as_slice()));
        Bars::closed(Timeframe::Fixed(DAY), &ts, columns, asof)
    }

    #[test]
    fn shows_no_bar_that_closes_after_asof() -> Result<(), BarsError> {
        // 1970-01-05 is a Monday: two whole weeks and a day.
        let bars = daily(4, 15, i64::MAX)?;
        assert_eq!(daily(4, 15, 10 * DAY)?.len(), 6);
        let weeks = resample(&bars, Timeframe::Fixed(DAY), Timeframe::Week, 18 * DAY - 1)?;
        assert_eq!(weeks.ts_event, [11 * DAY]);
        let weeks = resample(&bars, Timeframe::Fixed(DAY), Timeframe::Week, 18 * DAY)?;
        assert_eq!(weeks.ts_event, [11 * DAY, 18 * DAY]);
        assert_eq!((weeks.open.first(), weeks.close.first()), (Some(&10.0), Some(&16.0)));
        assert_eq!(weeks.volume.iter().sum::<f64>(), bars.volume.iter().take(14).sum::<f64>());
        Ok(())
    }

    #[test]
    fn drops_a_first_bucket_that_may_be_cut() -> Result<(), BarsError> {
        let weeks = resample(&daily(5, 20, i64::MAX)?, Timeframe::Fixed(DAY), Timeframe::Week, 30 * DAY)?;
        assert_eq!(weeks.ts_open.first(), Some(&(11 * DAY)));
        Ok(())
    }

    #[test]
    fn refuses_unequal_columns_and_backward_times() {
        let columns = ["open", "high", "low", "close", "volume"].map(|name| (name, [1.0, 2.0].as_slice()));
        let day = Timeframe::Fixed(DAY);
        assert!(matches!(Bars::closed(day, &[0], columns, 0), Err(BarsError::Length { .. })));
        assert_eq!(Bars::closed(day, &[DAY, DAY], columns, 0), Err(BarsError::Order { row: 1 }));
        let off = Bars::closed(day, &[DAY, 2 * DAY + 1], columns, 0);
        assert_eq!(off, Err(BarsError::OffGrid { row: 1, ts: 2 * DAY + 1, start: 2 * DAY }));
    }

    #[test]
    fn refuses_targets_that_cut_base_bars_and_keeps_a_hole_visible() -> Result<(), BarsError> {
        let hours = |count: i64| Timeframe::Fixed(count * DAY / 24);
        for (base, target) in [(4, hours(6)), (72, Timeframe::Week), (24, hours(1)), (36, Timeframe::Month)] {
            assert_eq!(resample(&Bars::default(), hours(base), target, 0), Err(BarsError::Nesting));
        }
        let mut bars = daily(4, 14, i64::MAX)?;
        if let Some(high) = bars.high.get_mut(2) {
            *high = f64::NAN;
        }
        let weeks = resample(&bars, Timeframe::Fixed(DAY), Timeframe::Week, i64::MAX)?;
        assert!(weeks.high.first().is_some_and(|high| high.is_nan()) && weeks.high.get(1) == Some(&23.0));
        Ok(())
    }
}
