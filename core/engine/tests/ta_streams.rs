//! Every indicator bar by bar: the same bits as over the whole series, and what a gap does under each policy.

use deepalpha_engine::ta::{Kind, Live, Memory, NanPolicy, ParamKind, Policy, REGISTRY, Seed, Spec, TaError};
use proptest::prelude::*;

const COLUMNS: usize = 6;

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn compute(spec: &Spec, inputs: &[Vec<f64>], params: &[f64], policy: Policy) -> Result<Vec<Vec<f64>>, TaError> {
    let slices: Vec<&[f64]> = inputs.iter().take(spec.inputs.len()).map(Vec::as_slice).collect();
    let length = slices.first().map_or(0, |input| input.len());
    let mut outputs = vec![vec![0.0; length]; spec.outputs.len()];
    let mut views: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    spec.compute(&slices, params, policy, &mut views).map(|()| outputs)
}

/// The defaults, or every period replaced by `period` where the bounds allow it.
fn params_of(spec: &Spec, period: u32) -> Vec<f64> {
    let choose = |param: &deepalpha_engine::ta::Param| {
        // A shortest period goes along with the longest.
        let is_period = (param.default > 2.0 && param.default.fract() == 0.0) || param.name == "minperiod";
        if period > 0 && is_period { f64::from(period).clamp(param.min, param.max) } else { param.default }
    };
    spec.params.iter().map(choose).collect()
}

/// Bars that could be a market's: open, high, low, close around one walk, with ties and jumps; then volume, and sessions of 17 bars.
fn market(length: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let step = prop_oneof![4 => -2.0..2.0_f64, 1 => Just(0.0), 1 => (-8..8_i32).prop_map(f64::from)];
    let volume = prop_oneof![1 => Just(0), 5 => 1..1000_u32];
    prop::collection::vec((step, 0.0..2.0_f64, 0.0..2.0_f64, volume), length).prop_map(|steps| {
        let mut columns = vec![Vec::new(); COLUMNS];
        let mut price = 100.0;
        for (bar, (step, up, down, volume)) in (0_u32..).zip(steps) {
            let (open, close) = (price, f64::max(price + step, 1.0));
            let session = f64::from(bar / 17);
            let (high, low) = (open.max(close) + up, open.min(close) - down.min(0.5));
            let bar = [open, high, low, close, f64::from(volume), session];
            columns.iter_mut().zip(bar).for_each(|(column, value)| column.push(value));
            price = close;
        }
        columns
    })
}

/// The same kind of bars without chance, as many as wanted; a spike and a standstill among them.
fn long_market(length: u32) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::new(); COLUMNS];
    let (mut price, mut noise) = (100.0, 1_u32);
    for bar in 0..length {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let part = |shift: u32| f64::from((noise >> shift) % 64) / 16.0;
        let still = bar % 700 > 650;
        let step = if still { 0.0 } else { part(8) - part(14) };
        let spike = if bar == length / 2 { 1e6 } else { 0.0 };
        let (open, close) = (price, f64::max(price + step, 1.0));
        let wick = if still { 0.0 } else { part(20) };
        let (high, low) = (open.max(close) + wick + spike, open.min(close) - wick.min(0.5));
        let values = [open, high, low, close, f64::from(noise >> 22), f64::from(bar / 170)];
        columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        price = close;
    }
    columns
}

/// The columns an indicator reads, in its order.
fn inputs_of(spec: &Spec, market: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let column = |name: &str| match name {
        "open" => 0,
        "high" | "real0" => 1,
        "low" | "real1" => 2,
        "volume" => 4,
        "session" => 5,
        _ => 3,
    };
    spec.inputs.iter().filter_map(|input| market.get(column(input.name())).cloned()).collect()
}

/// An output of places, each `by` bars later, but for the look-back, where there is none.
fn moved(mut places: Vec<f64>, lookback: usize, by: usize) -> Vec<f64> {
    let by = f64::from(u32::try_from(by).unwrap_or(u32::MAX));
    places.iter_mut().skip(lookback).for_each(|place| *place += by);
    places
}

/// The input at a place that an index output names.
fn held(inputs: &[Vec<f64>], place: f64) -> Option<f64> {
    let bars = inputs.first()?.iter();
    (0_u32..).zip(bars).find(|(bar, _)| f64::from(*bar).to_bits() == place.to_bits()).map(|(_, value)| *value)
}

fn row(inputs: &[Vec<f64>], bar: usize) -> Vec<f64> {
    inputs.iter().filter_map(|input| input.get(bar).copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bar_by_bar_gives_the_bits_of_the_whole(market in market(160), period in 0..24_u32, tv in any::<bool>()) {
        for spec in REGISTRY.iter().filter(|spec| spec.stream.is_some()) {
            let (inputs, params) = (inputs_of(spec, &market), params_of(spec, period));
            let seed = if tv && spec.seeded { Seed::TradingView } else { Seed::Talib };
            let whole = compute(spec, &inputs, &params, Policy { seed, ..Policy::default() })?;
            let mut live = Live::new(spec, &params, seed)?;
            let mut peeked = vec![0.0; spec.outputs.len()];
            for bar in 0..160 {
                let next = row(&inputs, bar);
                live.peek(&next, &mut peeked)?;
                let values = live.update(&next)?;
                let expected = row(&whole, bar);
                prop_assert_eq!(bits(values), bits(&expected), "{} {:?} {:?} bar {}: {:?} is not {:?}",
                    spec.name, params, seed, bar, values, expected);
                prop_assert_eq!(bits(&peeked), bits(&expected), "{} peek", spec.name);
            }
        }
    }

    #[test]
    fn a_snapshot_goes_on_where_it_was_taken(market in market(120), at in 0..120_usize, period in 0..9_u32) {
        for spec in REGISTRY.iter().filter(|spec| spec.stream.is_some()) {
            let (inputs, params) = (inputs_of(spec, &market), params_of(spec, period));
            let mut live = Live::new(spec, &params, Seed::Talib)?;
            for bar in 0..at {
                live.update(&row(&inputs, bar))?;
            }
            let bytes = live.snapshot()?;
            let mut other = Live::restore(&bytes)?;
            let mut third = live.clone();
            prop_assert_eq!((other.bars(), bits(other.values())), (live.bars(), bits(live.values())));
            for bar in at..120 {
                let next = row(&inputs, bar);
                let expected = bits(live.update(&next)?);
                prop_assert_eq!(&bits(other.update(&next)?), &expected, "{} restored", spec.name);
                prop_assert_eq!(&bits(third.update(&next)?), &expected, "{} copied", spec.name);
            }
        }
    }

    #[test]
    fn a_refused_bar_leaves_the_state_untouched(market in market(60), at in 1..60_usize, bad in 0..6_usize) {
        let hostile = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].get(bad % 3).copied().unwrap_or(f64::NAN);
        for spec in REGISTRY.iter().filter(|spec| spec.stream.is_some()) {
            let inputs = inputs_of(spec, &market);
            let params = params_of(spec, 5);
            let whole = compute(spec, &inputs, &params, Policy::default())?;
            let mut live = Live::new(spec, &params, Seed::Talib)?;
            for bar in 0..60 {
                if bar == at {
                    let mut broken = row(&inputs, bar);
                    let place = bad % broken.len();
                    broken.iter_mut().skip(place).take(1).for_each(|value| *value = hostile);
                    let refused = live.update(&broken).map(<[f64]>::to_vec);
                    prop_assert!(matches!(refused, Err(TaError::NotFinite { .. })), "{}", spec.name);
                    let short = live.update(broken.get(1..).unwrap_or_default()).map(<[f64]>::to_vec);
                    prop_assert!(matches!(short, Err(TaError::InputCount { .. })), "{}", spec.name);
                }
                prop_assert_eq!(bits(live.update(&row(&inputs, bar))?), bits(&row(&whole, bar)), "{}", spec.name);
            }
        }
    }

    /// "window" is the series cut at the gap; "propagate" is that too for windows, and nothing more for ever else.
    #[test]
    fn a_gap_does_what_its_policy_says(market in market(140), gap in 1..140_usize, column in 0..5_usize) {
        for spec in REGISTRY.iter().filter(|spec| spec.memory != Memory::Bar) {
            let inputs = inputs_of(spec, &market);
            let params = params_of(spec, 4);
            let mut broken = inputs.clone();
            let hit = column % broken.len();
            broken.iter_mut().skip(hit).take(1).flatten().skip(gap).take(1).for_each(|value| *value = f64::NAN);
            let part = |from: usize, to: usize| -> Result<Vec<Vec<f64>>, TaError> {
                let cut: Vec<_> = inputs.iter().map(|input| input.get(from..to).unwrap_or_default().to_vec()).collect();
                compute(spec, &cut, &params, Policy::default())
            };
            let (before, after) = (part(0, gap)?, part(gap + 1, 140)?);
            let lookback = spec.lookback(&params)?;
            let windowed = compute(spec, &broken, &params, Policy { nan: NanPolicy::Window, ..Policy::default() })?;
            let propagated = compute(spec, &broken, &params, Policy::default())?;
            for (index, declared) in spec.outputs.iter().enumerate() {
                let nothing = if declared.kind == Kind::Float { f64::NAN } else { 0.0 };
                let of = |outputs: &[Vec<f64>]| outputs.get(index).cloned().unwrap_or_default();
                let after = if declared.kind == Kind::Index { moved(of(&after), lookback, gap + 1) } else { of(&after) };
                let restarted = [of(&before), vec![nothing], after].concat();
                prop_assert_eq!(bits(&of(&windowed)), bits(&restarted), "{} window", spec.name);
                let lost = [of(&before), vec![nothing; 140 - gap]].concat();
                let expected = if spec.memory == Memory::Window { restarted } else { lost };
                prop_assert_eq!(bits(&of(&propagated)), bits(&expected), "{} propagate", spec.name);
            }
            let raised = compute(spec, &broken, &params, Policy { nan: NanPolicy::Raise, ..Policy::default() });
            prop_assert!(matches!(raised, Err(TaError::Gap { bar, .. }) if bar == gap), "{}", spec.name);
        }
    }

    /// What remembers nothing gives every other bar as if there were no gap, whatever the policy.
    #[test]
    fn a_gap_touches_only_its_bar_where_nothing_is_remembered(
        market in market(40), gap in 1..40_usize, column in 0..5_usize, window in any::<bool>(),
    ) {
        let nan = if window { NanPolicy::Window } else { NanPolicy::Propagate };
        for spec in REGISTRY.iter().filter(|spec| spec.memory == Memory::Bar) {
            let inputs = inputs_of(spec, &market);
            let mut broken = inputs.clone();
            let hit = column % broken.len();
            broken.iter_mut().skip(hit).take(1).flatten().skip(gap).take(1).for_each(|value| *value = f64::NAN);
            let policy = Policy { nan, ..Policy::default() };
            let (whole, holed) = (compute(spec, &inputs, &[], policy)?, compute(spec, &broken, &[], policy)?);
            for (whole, holed) in whole.iter().zip(&holed) {
                for (bar, (a, b)) in whole.iter().zip(holed).enumerate() {
                    let expected = if bar == gap { b.is_nan() } else { a.to_bits() == b.to_bits() };
                    prop_assert!(expected, "{} bar {}: {} {}", spec.name, bar, a, b);
                }
            }
        }
    }

    /// A value of a [`Memory::Window`] indicator reads its look-back and nothing older.
    #[test]
    fn a_window_reads_nothing_older(market in market(120), cut in 1..60_usize) {
        for spec in REGISTRY.iter().filter(|spec| spec.memory == Memory::Window) {
            let inputs = inputs_of(spec, &market);
            let params = params_of(spec, 6);
            let lookback = spec.lookback(&params)?;
            let short: Vec<_> = inputs.iter().map(|input| input.get(cut..).unwrap_or_default().to_vec()).collect();
            let whole = compute(spec, &inputs, &params, Policy::default())?;
            let late = compute(spec, &short, &params, Policy::default())?;
            for ((whole, late), declared) in whole.iter().zip(late).zip(spec.outputs) {
                if declared.kind == Kind::Index {
                    // Which of two equal bars is named depends on which was there first: compare what they hold.
                    let late = moved(late, lookback, cut);
                    for (a, b) in whole.iter().skip(cut).zip(&late).skip(lookback) {
                        prop_assert_eq!(held(&inputs, *a), held(&inputs, *b), "{} {} {}", spec.name, a, b);
                    }
                    continue;
                }
                for (a, b) in whole.iter().skip(cut).zip(&late).skip(lookback) {
                    let near = (a - b).abs() <= 1e-9 * (1.0 + a.abs()) || a.to_bits() == b.to_bits();
                    prop_assert!(near, "{} {a} {b}", spec.name);
                }
            }
        }
    }
}

/// Only a series this long is cut into stretches that are computed side by side.
#[test]
fn bar_by_bar_gives_the_bits_of_a_long_series() -> Result<(), TaError> {
    let market = long_market(6000);
    for (spec, period) in REGISTRY.iter().filter(|spec| spec.stream.is_some()).flat_map(|spec| [(spec, 0), (spec, 5)]) {
        let (inputs, params) = (inputs_of(spec, &market), params_of(spec, period));
        let whole = compute(spec, &inputs, &params, Policy::default())?;
        let mut live = Live::new(spec, &params, Seed::Talib)?;
        for bar in 0..6000 {
            let (values, expected) = (live.update(&row(&inputs, bar))?, row(&whole, bar));
            assert_eq!(bits(values), bits(&expected), "{} {params:?} bar {bar}: {values:?}, {expected:?}", spec.name);
        }
    }
    Ok(())
}

#[test]
fn a_damaged_snapshot_is_refused_and_not_half_taken() -> Result<(), TaError> {
    let Some(spec) = REGISTRY.iter().find(|spec| spec.name == "RSI") else { return Ok(()) };
    let mut live = Live::new(spec, &[3.0], Seed::Talib)?;
    for value in [1.0, 2.0, 1.5, 4.0, 3.0] {
        live.update(&[value])?;
    }
    let bytes = live.snapshot()?;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
        assert!(matches!(Live::restore(&changed), Err(TaError::Snapshot { .. })), "byte {at}");
        assert!(Live::restore(bytes.get(..at).unwrap_or_default()).is_err(), "cut at {at}");
    }
    Ok(())
}

#[test]
fn a_history_with_a_gap_is_refused_by_bar_and_takes_leading_nan() -> Result<(), TaError> {
    let Some(spec) = REGISTRY.iter().find(|spec| spec.name == "SMA") else { return Ok(()) };
    let mut live = Live::new(spec, &[2.0], Seed::Talib)?;
    let message = live.extend(&[&[1.0, f64::NAN, 3.0]]).map_err(|error| error.to_string());
    assert!(message.is_err_and(|text| text.contains("real is NaN at bar 1")));
    assert_eq!(live.bars(), 0);
    live.extend(&[&[f64::NAN, f64::NAN, 1.0, 3.0]])?;
    assert_eq!((live.bars(), live.values().to_vec()), (2, vec![2.0]));
    Ok(())
}

#[test]
fn a_place_counts_the_bars_that_were_skipped() -> Result<(), TaError> {
    let Some(spec) = REGISTRY.iter().find(|spec| spec.name == "MAXINDEX") else { return Ok(()) };
    let series = [f64::NAN, f64::NAN, f64::NAN, 1.0, 5.0, 2.0, 3.0];
    let whole = compute(spec, &[series.to_vec()], &[2.0], Policy::default())?;
    let mut live = Live::new(spec, &[2.0], Seed::Talib)?;
    // In two parts, the first of them without a number.
    live.extend(&[series.get(..2).unwrap_or_default()])?;
    live.extend(&[series.get(2..5).unwrap_or_default()])?;
    let mut live = Live::restore(&live.snapshot()?)?;
    for bar in 5..7 {
        let (mut peeked, next) = ([0.0], row(&[series.to_vec()], bar));
        live.peek(&next, &mut peeked)?;
        let expected = row(&whole, bar);
        assert_eq!((live.update(&next)?.to_vec(), peeked.to_vec()), (expected.clone(), expected));
    }
    assert_eq!(live.values(), [6.0]);
    Ok(())
}

#[test]
fn a_seed_that_may_be_chosen_changes_something() -> Result<(), TaError> {
    let walk = |step: u32| -> Vec<f64> { (0..200).map(|bar: u32| 100.0 + f64::from(bar * step % 31)).collect() };
    let (mid, noise, volume) = (walk(7919), walk(104_729), walk(1_299_709));
    let bounds: Vec<(f64, f64)> = mid.iter().zip(&noise).map(|(a, b)| (a.max(*b) + 1.0, a.min(*b) - 2.0)).collect();
    let (high, low): (Vec<f64>, Vec<f64>) = bounds.into_iter().unzip();
    let market = [noise, high, low, mid, volume].to_vec();
    for spec in REGISTRY.iter().filter(|spec| spec.seeded) {
        let inputs = inputs_of(spec, &market);
        // Exponential averages wherever there is a choice.
        let average =
            |param: &deepalpha_engine::ta::Param| if param.kind == ParamKind::Average { 1.0 } else { param.default };
        let params: Vec<f64> = spec.params.iter().map(average).collect();
        let with = |seed| compute(spec, &inputs, &params, Policy { seed, ..Policy::default() });
        let bits_of = |outputs: Vec<Vec<f64>>| outputs.iter().map(|output| bits(output)).collect::<Vec<_>>();
        assert_ne!(bits_of(with(Seed::Talib)?), bits_of(with(Seed::TradingView)?), "{}", spec.name);
    }
    Ok(())
}

#[test]
fn a_seed_that_means_nothing_is_refused() {
    for spec in REGISTRY {
        let other = spec.bind(&[], Seed::TradingView).map(|_| ());
        let expected = if spec.seeded { Ok(()) } else { Err(TaError::NoSeed { name: spec.name }) };
        assert_eq!(other, expected, "{}", spec.name);
    }
}
