//! Properties of resampled bars and of the indicator series over them.

use deepalpha_engine::stream::{Bars, BarsError, Timeframe, resample, series};
use proptest::prelude::*;

const DAY: i64 = 86_400_000_000_000;

/// Daily bars with gaps: day numbers that ascend, and a close and a volume each.
fn daily() -> impl Strategy<Value = Vec<(i64, f64, f64)>> {
    prop::collection::vec((1..4_i64, 1.0..100.0_f64, 0..1_000_u32), 1..150).prop_map(|rows| {
        let mut day = 0;
        let step = |(gap, close, volume): (i64, f64, u32)| {
            day += gap;
            (day * DAY, close, f64::from(volume))
        };
        rows.into_iter().map(step).collect()
    })
}

fn closed(rows: &[(i64, f64, f64)], asof: i64) -> Result<Bars, BarsError> {
    let ts_open: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let close: Vec<f64> = rows.iter().map(|row| row.1).collect();
    let volume: Vec<f64> = rows.iter().map(|row| row.2).collect();
    let (high, low): (Vec<f64>, Vec<f64>) = close.iter().map(|close| (close + 1.0, close - 1.0)).unzip();
    let columns = [("open", &close), ("high", &high), ("low", &low), ("close", &close), ("volume", &volume)];
    Bars::closed(day(), &ts_open, columns.map(|(name, values)| (name, values.as_slice())), asof)
}

fn named(name: &str) -> Timeframe {
    Timeframe::parse(name).unwrap_or(Timeframe::Week)
}

fn day() -> Timeframe {
    named("1d")
}

proptest! {
    /// Every coarse bar holds exactly the fine bars of its bucket: volume is conserved, the range is theirs.
    #[test]
    fn a_coarse_bar_is_exactly_its_fine_bars(rows in daily(), asof_day in 0..500_i64, target in "1w|1mo|3d") {
        let (target, asof) = (named(&target), asof_day * DAY);
        let fine = closed(&rows, asof).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let coarse = resample(&fine, day(), target, asof).map_err(|error| TestCaseError::fail(error.to_string()))?;
        for (index, (&start, &end)) in coarse.ts_open.iter().zip(&coarse.ts_event).enumerate() {
            prop_assert!(end <= asof && target.start(start) == start && target.end(start) == end);
            let inside: Vec<_> = rows.iter().filter(|row| row.0 >= start && row.0 < end).collect();
            let at = |column: &Vec<f64>| column.get(index).copied().unwrap_or(f64::NAN);
            let highest = inside.iter().map(|row| row.1 + 1.0).fold(f64::MIN, f64::max);
            let lowest = inside.iter().map(|row| row.1 - 1.0).fold(f64::MAX, f64::min);
            prop_assert_eq!(at(&coarse.volume), inside.iter().map(|row| row.2).sum::<f64>());
            prop_assert_eq!((at(&coarse.high), at(&coarse.low)), (highest, lowest));
            prop_assert_eq!(Some(at(&coarse.open)), inside.first().map(|row| row.1));
            prop_assert_eq!(Some(at(&coarse.close)), inside.last().map(|row| row.1));
        }
        // Nothing that is whole is missing.
        let first = fine.ts_open.first().copied().unwrap_or(i64::MAX);
        let mut starts: Vec<i64> = fine.ts_open.iter().map(|ts| target.start(*ts)).collect();
        starts.retain(|start| *start >= first && target.end(*start) <= asof);
        starts.dedup();
        prop_assert_eq!(coarse.ts_open, starts);
    }

    /// No look-ahead: replace everything that closes after `asof` by garbage and no bar and no series changes a bit.
    #[test]
    fn what_comes_after_asof_changes_nothing(rows in daily(), asof_day in 0..500_i64, junk in -1e9..1e9_f64) {
        let asof = asof_day * DAY;
        let view = |rows: &[(i64, f64, f64)]| -> Result<Vec<Vec<u64>>, String> {
            let fine = closed(rows, asof).map_err(|error| error.to_string())?;
            let mut bits: Vec<Vec<u64>> = vec![fine.close.iter().map(|value| value.to_bits()).collect()];
            for target in [day(), named("1w"), named("1mo")] {
                let bars = resample(&fine, day(), target, asof).map_err(|error| error.to_string())?;
                let ids = ["RSI_3", "MACD_3_5_2", "BBANDS_4", "STOCH", "CDLENGULFING", "OBV"].map(str::to_owned);
                let computed = series(&bars, &ids).map_err(|error| error.to_string())?;
                let columns = computed.into_iter().map(|(_, values)| values).chain([bars.close, bars.volume]);
                bits.extend(columns.map(|values| values.iter().map(|value| value.to_bits()).collect()));
            }
            Ok(bits)
        };
        let poisoned: Vec<_> =
            rows.iter().map(|&row| if row.0 + DAY > asof { (row.0, junk, f64::NAN) } else { row }).collect();
        prop_assert_eq!(view(&rows), view(&poisoned));
    }
}
