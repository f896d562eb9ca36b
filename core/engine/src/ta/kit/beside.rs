//! Eight groups of a table at a time: those of one length, a lane each.
//!
//! A series of some thousand bars is too short to be cut into stretches for less than it costs them to warm up. Side by
//! side nothing warms up, and the rows of eight groups stay near while one indicator after the other reads them.

use super::lanes::apart;
use super::simd::LANES;
use super::{Kind, TaError, Wanted};

/// Groups that are computed together.
pub(super) const TOGETHER: usize = LANES;

/// Bars of a group for which this is the quicker way: with fewer the first bars weigh too much, and more of them can be
/// cut into stretches, which stay nearer.
const BARS: std::ops::RangeInclusive<usize> = 64..=16_384;

/// Indicators whose kernel is `recursive` or `windowed` and nothing else.
const KNOWN: [&str; 40] = [
    "ADX",
    "AROON",
    "AROONOSC",
    "ATR",
    "BETA",
    "CCI",
    "CMF",
    "CMOU",
    "CORREL",
    "DEMA",
    "DONCHIAN",
    "EMA",
    "HMA",
    "IMI",
    "LINEARREG",
    "LINEARREG_INTERCEPT",
    "LINEARREG_SLOPE",
    "MACD",
    "MAX",
    "MFI",
    "MIDPOINT",
    "MIDPRICE",
    "MIN",
    "MINMAX",
    "NATR",
    "RSI",
    "SAR",
    "SMA",
    "STDDEV",
    "SUM",
    "TEMA",
    "TRIMA",
    "TRIX",
    "TSF",
    "ULTOSC",
    "VAR",
    "VORTEX",
    "VWMA",
    "WILLR",
    "WMA",
];

/// Whether [`compute`] may be asked for groups of `length` bars.
pub(super) fn knows(wanted: &Wanted, length: usize) -> bool {
    let floats = wanted.spec.outputs.iter().all(|output| output.kind == Kind::Float);
    BARS.contains(&length) && apart(length, LANES) && floats && KNOWN.contains(&wanted.spec.name)
}

/// One indicator of eight groups of `length` bars, with the bits each group gets alone.
///
/// # Errors
/// [`TaError::NotClean`] when a value is missing somewhere, or the groups are too short: then they go one by one, and
/// what was written means nothing. Bad parameters.
pub(super) fn compute(
    wanted: &Wanted,
    inputs: &[&[f64]],
    length: usize,
    outputs: &mut [&mut [f64]],
) -> Result<(), TaError> {
    let params = wanted.spec.bind(&wanted.params, wanted.seed)?;
    let lookback = (wanted.spec.lookback)(&params)?;
    if length <= lookback {
        return Err(TaError::NotClean);
    }
    (wanted.spec.kernel)(inputs, &params.side_by_side(length), outputs)?;
    for (output, declared) in outputs.iter_mut().zip(wanted.spec.outputs) {
        for group in output.chunks_exact_mut(length) {
            group.iter_mut().take(lookback).for_each(|slot| *slot = declared.kind.nothing());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ta::{Input, Policy, REGISTRY, Seed};

    /// Eight groups of a market that goes up and down in its own way.
    fn series(input: Input, length: usize) -> Vec<f64> {
        let close = |bar: usize| {
            let angle = f64::from(u32::try_from(bar).unwrap_or(0));
            100.0 + 9.0 * (angle / 17.0).sin() + f64::from(u32::try_from(bar * 7919 % 101).unwrap_or(0)) / 50.0
        };
        let value = |bar: usize| match input {
            Input::High | Input::Real0 => close(bar) + 1.0 + close(bar * 3) / 100.0,
            Input::Low => close(bar) - 1.0 - close(bar * 5) / 100.0,
            Input::Open => close(bar) - 0.25,
            Input::Volume | Input::Real1 => 1000.0 + close(bar * 11),
            _ => close(bar),
        };
        (0..LANES * length).map(value).collect()
    }

    #[test]
    fn every_group_gets_the_bits_it_gets_alone() -> Result<(), TaError> {
        for name in KNOWN {
            let spec = crate::ta::find(name)?;
            for (length, seed) in [(64, Seed::Talib), (411, Seed::Talib), (800, Seed::TradingView)] {
                let seed = if spec.seeded { seed } else { Seed::Talib };
                let wanted = Wanted { label: name.to_owned(), spec, params: vec![], seed };
                assert!(knows(&wanted, length), "{name} {length}");
                if spec.lookback(&[])? + 8 > length {
                    continue;
                }
                let columns: Vec<Vec<f64>> = spec.inputs.iter().map(|input| series(*input, length)).collect();
                let inputs: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                let mut beside = vec![vec![7.0; LANES * length]; spec.outputs.len()];
                let mut views: Vec<&mut [f64]> = beside.iter_mut().map(Vec::as_mut_slice).collect();
                compute(&wanted, &inputs, length, &mut views)?;
                for group in 0..LANES {
                    let rows = group * length..(group + 1) * length;
                    let own: Vec<&[f64]> = inputs.iter().filter_map(|input| input.get(rows.clone())).collect();
                    let mut alone = vec![vec![0.0; length]; spec.outputs.len()];
                    let mut views: Vec<&mut [f64]> = alone.iter_mut().map(Vec::as_mut_slice).collect();
                    spec.compute(&own, &[], Policy { seed, ..Policy::default() }, &mut views)?;
                    for (alone, beside) in alone.iter().zip(&beside) {
                        let beside = beside.get(rows.clone()).unwrap_or_default();
                        for (bar, (alone, beside)) in alone.iter().zip(beside).enumerate() {
                            assert!(
                                alone.to_bits() == beside.to_bits() || (alone.is_nan() && beside.is_nan()),
                                "{name} {length} group {group} bar {bar}: {alone} {beside}"
                            );
                        }
                    }
                }
            }
        }
        Ok(())
    }

    #[test]
    fn a_missing_value_anywhere_is_found() -> Result<(), TaError> {
        let length = 205;
        for name in ["EMA", "ATR", "MAX", "MFI"] {
            let spec = crate::ta::find(name)?;
            let wanted = Wanted { label: name.to_owned(), spec, params: vec![], seed: Seed::Talib };
            for bar in [0, 40, 3 * length + 7, 5 * length + 100, 8 * length - 1] {
                let mut columns: Vec<Vec<f64>> = spec.inputs.iter().map(|input| series(*input, length)).collect();
                columns.iter_mut().take(1).flat_map(|column| column.get_mut(bar)).for_each(|slot| *slot = f64::NAN);
                let inputs: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                let mut outputs = vec![vec![0.0; LANES * length]; spec.outputs.len()];
                let mut views: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
                assert_eq!(compute(&wanted, &inputs, length, &mut views), Err(TaError::NotClean), "{name} {bar}");
            }
        }
        Ok(())
    }

    #[test]
    fn names_are_in_the_registry() {
        assert!(KNOWN.iter().all(|name| REGISTRY.iter().any(|spec| spec.name == *name && spec.self_checking)));
    }
}
