//! The pass over all patterns, the single functions and the explanations: one rule, one answer.

use deepalpha_engine::patterns::{
    Bars, COUNT, CandleSettings, Gauge, PATTERNS, RangeType, Setting, explain, pattern, patterns, patterns_into,
};
use deepalpha_engine::ta::{Live, Seed, TaError};
use proptest::prelude::*;

type Columns = [Vec<f64>; 4];

fn bars(columns: &Columns) -> Result<Bars<'_>, TaError> {
    let [open, high, low, close] = columns;
    Bars::new([open, high, low, close])
}

/// Candles on a coarse grid around a walk, with gaps, dead candles and now and then a NaN or a misprint.
fn market(length: usize) -> impl Strategy<Value = Columns> {
    let part = || prop_oneof![2 => Just(0), 3 => 1..4_i32, 1 => 5..30_i32];
    let mishap = prop_oneof![400 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(1e15)];
    let candle = (-4..5_i32, part(), any::<bool>(), part(), part(), mishap);
    prop::collection::vec(candle, length).prop_map(|candles| {
        let mut columns: Columns = Default::default();
        let mut price = 5000;
        for (gap, body, white, up, down, mishap) in candles {
            let open = price + gap;
            let close = if white { open + body } else { open - body };
            let tenths = |value: i32| f64::from(value) / 10.0;
            let high = tenths(open.max(close) + up) + mishap;
            let candle = [tenths(open), high, tenths(open.min(close) - down), tenths(close)];
            columns.iter_mut().zip(candle).for_each(|(column, value)| column.push(value));
            price = close.clamp(4000, 6000);
        }
        columns
    })
}

fn settings() -> impl Strategy<Value = CandleSettings> {
    let range = prop::sample::select(RangeType::ALL.to_vec());
    // Now and then longer than what is added up window by window.
    let period = prop_oneof![9 => 0..12_usize, 1 => 20..40_usize];
    let gauge = (range, period, 0.0..2.0_f64).prop_map(|(range, period, factor)| Gauge { range, period, factor });
    let own = prop::collection::vec(gauge, Setting::COUNT).prop_map(|gauges| {
        let gauges = <[Gauge; Setting::COUNT]>::try_from(gauges).unwrap_or(*CandleSettings::TALIB.gauges());
        CandleSettings::new(gauges).unwrap_or_default()
    });
    prop_oneof![Just(CandleSettings::TALIB), own]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// 61 rules share a tile and its sums; each by itself has its own, with fewer of them.
    #[test]
    fn all_at_once_is_each_by_itself(columns in market(700), settings in settings()) {
        let bars = bars(&columns)?;
        let all = patterns(&bars, &settings);
        for (place, entry) in PATTERNS.iter().enumerate() {
            let alone = pattern(entry.spec.name, &bars, &[], &settings)?;
            let column: Vec<i32> = all.iter().skip(place).step_by(COUNT).map(|value| i32::from(*value)).collect();
            prop_assert_eq!(&alone, &column, "{}", entry.spec.name);
            if settings == CandleSettings::TALIB {
                let inputs: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                let spec = entry.spec.compute_vec(&inputs, &[])?.concat();
                let alone: Vec<f64> = alone.into_iter().map(f64::from).collect();
                prop_assert_eq!(spec, alone, "{}", entry.spec.name);
            }
        }
    }

    /// Blocks of the batch and the bar-by-bar state fill the same sums, misprints or not.
    #[test]
    fn bar_by_bar_gives_the_same_over_many_blocks(columns in market(900)) {
        let complete: Vec<usize> = (0..900).filter(|bar| columns.iter().all(|c| c.get(*bar).is_some_and(|v| v.is_finite()))).collect();
        let columns = columns.map(|column| complete.iter().filter_map(|bar| column.get(*bar).copied()).collect::<Vec<f64>>());
        let inputs: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        for entry in &PATTERNS {
            let whole = entry.spec.compute_vec(&inputs, &[])?.concat();
            let mut live = Live::new(entry.spec, &[], Seed::Talib)?;
            for (bar, expected) in whole.iter().enumerate() {
                let row: Vec<f64> = inputs.iter().filter_map(|input| input.get(bar).copied()).collect();
                prop_assert_eq!(live.update(&row)?, &[*expected], "{} bar {}", entry.spec.name, bar);
            }
        }
    }

    /// Rows are made 0 a block ahead; what was in them before, and where series end, is not to be seen.
    #[test]
    fn what_values_held_before_does_not_matter(columns in market(600), length in 0..600_usize, settings in settings()) {
        let columns = columns.map(|column| column.into_iter().take(length).collect::<Vec<f64>>());
        let bars = bars(&columns)?;
        let mut values = vec![7; length * COUNT + 3];
        patterns_into(&bars, &settings, &mut values);
        let (found, behind) = values.split_at(length * COUNT);
        prop_assert_eq!(found, patterns(&bars, &settings));
        prop_assert_eq!(behind, [7; 3]);
    }

    #[test]
    fn an_explanation_has_the_value_and_its_reasons(columns in market(120), settings in settings(), bar in 0..120_usize) {
        let bars = bars(&columns)?;
        let all = patterns(&bars, &settings);
        let row: Vec<i32> = all.iter().skip(bar * COUNT).take(COUNT).map(|value| i32::from(*value)).collect();
        let names: Vec<&str> = PATTERNS.iter().map(|entry| entry.spec.name).collect();
        for (explanation, value) in explain(&bars, &settings, bar, Some(&names))?.iter().zip(row) {
            let name = explanation.spec.name;
            prop_assert_eq!(explanation.value, value, "{}", name);
            let failed = explanation.conditions.iter().any(|condition| !condition.held);
            prop_assert_eq!(value == 0, failed || explanation.conditions.is_empty(), "{}", name);
        }
        let fired = explain(&bars, &settings, bar, None)?;
        prop_assert!(fired.iter().all(|explanation| explanation.value != 0));
    }
}

/// On a grid of tenths, which no binary number hits, most candles are exactly as long as the average: the rounding of
/// TA-Lib's running sum decides, and what is added up window by window must know when it cannot tell. The candles are a
/// tenth of the price, so that sums of ten need more bits than there are.
#[test]
fn a_tie_falls_as_the_running_sum_has_it() -> Result<(), TaError> {
    let (mut columns, mut price, mut seed) = (Columns::default(), 22_i32, 7_u64);
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((seed >> 33) % below).unwrap_or(0)
    };
    for bar in 0..20_000 {
        // Now and then a quiet stretch of candles that are all alike.
        let alike = bar % 200 < 60;
        let (body, up, down) = if alike { (2, 1, 1) } else { (draw(3) + 1, draw(3), draw(3)) };
        let open = price + draw(3) - 1;
        let close = if draw(2) == 0 { open + body } else { open - body };
        let tenths = |value: i32| f64::from(value) / 10.0;
        let candle = [open, open.max(close) + up, open.min(close) - down, close].map(tenths);
        columns.iter_mut().zip(candle).for_each(|(column, value)| column.push(value));
        price = close.clamp(19, 25);
    }
    let inputs: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    for entry in &PATTERNS {
        let whole = entry.spec.compute_vec(&inputs, &[])?.concat();
        let mut live = Live::new(entry.spec, &[], Seed::Talib)?;
        for (bar, expected) in whole.iter().enumerate() {
            let row: Vec<f64> = inputs.iter().filter_map(|input| input.get(bar).copied()).collect();
            assert_eq!(live.update(&row)?, &[*expected], "{} at bar {bar}", entry.spec.name);
        }
    }
    Ok(())
}

#[test]
fn the_table_has_all_61_by_name() {
    let names: Vec<&str> = PATTERNS.iter().map(|entry| entry.spec.name).collect();
    assert_eq!(names.len(), 61);
    assert!(names.is_sorted() && names.iter().all(|name| name.starts_with("CDL")));
}

#[test]
fn a_spike_does_not_move_a_threshold_once_it_has_left() -> Result<(), TaError> {
    // Beside a print of 1e18 ranges of 0.3 are rounded away: a running sum would be 0 behind it, and nothing a doji.
    let length = 600;
    let mut columns = [vec![10.0; length], vec![10.2; length], vec![9.9; length], vec![10.02; length]];
    let doji = |columns: &Columns| pattern("CDLDOJI", &bars(columns)?, &[], &CandleSettings::TALIB);
    let clean = doji(&columns)?;
    assert!(clean.iter().skip(10).all(|value| *value == 100));
    for spike in [0, 4, 255, 256, 300] {
        let mut dirty = columns.clone();
        dirty.iter_mut().skip(1).take(1).flatten().skip(spike).take(1).for_each(|high| *high = 1e18);
        assert_eq!(doji(&dirty)?.get(spike + 11..), clean.get(spike + 11..), "spike at {spike}");
    }
    // And a whole level that was misprinted.
    columns.iter_mut().for_each(|column| column.iter_mut().take(290).for_each(|value| *value *= 1e13));
    assert_eq!(doji(&columns)?.get(300..), clean.get(300..));
    Ok(())
}

#[test]
fn refuses_what_does_not_fit() -> Result<(), TaError> {
    let columns: Columns = std::array::from_fn(|_| vec![1.0; 5]);
    let bars = bars(&columns)?;
    let talib = CandleSettings::TALIB;
    let message = |error: TaError| error.to_string();
    let short = Bars::new([&[1.0], &[1.0, 2.0], &[1.0], &[1.0]]).map(|bars| bars.len()).map_err(message);
    assert!(short.is_err_and(|text| text.contains("high has 2 values but open has 1")));
    let none = explain(&bars, &talib, 5, None).map(|_| ()).map_err(message);
    assert!(none.is_err_and(|text| text.contains("bar 5 is not in 0..5")));
    assert!(matches!(explain(&bars, &talib, 0, Some(&["RSI"])), Err(TaError::UnknownName { .. })));
    assert!(matches!(pattern("SMA", &bars, &[], &talib), Err(TaError::UnknownName { .. })));
    assert!(matches!(pattern("CDLMATHOLD", &bars, &[-1.0], &talib), Err(TaError::OutOfBounds { .. })));
    assert_eq!(pattern("cdldoji", &bars, &[], &talib)?, [0; 5]);
    Ok(())
}
