//! After how many bars an indicator has forgotten where its series began, measured.

use super::{Kind, Memory, Policy, TaError, Wanted};

/// How much a result may differ from one with endless history, as a share of its size.
const TOLERANCE: f64 = 1e-6;
/// Bars of the market beyond the multiple of the look-back.
const BARS: usize = 3000;
/// Bars of the market, in look-backs: a sixfold exponential average of period p needs 60 p.
const LOOKBACKS: usize = 80;
/// More bars than this are not tried.
const MOST_BARS: usize = 400_000;
/// Where the late starts are, in 64ths of the market's first half.
const STARTS: [usize; 5] = [7, 16, 29, 43, 64];

/// Bars a result needs before it differs by less than one part in a million from one with endless history.
///
/// For [`Memory::Bar`] and [`Memory::Window`] that is the look-back. Else it is measured on one fixed random walk: the
/// whole run against runs that begin later, at the worst of them; a difference is taken as a share of the value, or of
/// the output's mean size where the value is near 0. None when the difference is still there at the end: totals that
/// never forget, and periods so long that 400,000 bars are not enough. Missing parameters take their defaults. Costs some dozen passes over 3,000 bars and more.
///
/// # Errors
/// As [`Spec::bind`](super::Spec::bind).
pub fn warm_up(wanted: &Wanted) -> Result<Option<usize>, TaError> {
    let Wanted { spec, params, seed, .. } = wanted;
    let lookback = (spec.lookback)(&spec.bind(params, *seed)?)?;
    if spec.memory != Memory::History {
        return Ok(Some(lookback));
    }
    let length = (BARS + LOOKBACKS * lookback).min(MOST_BARS);
    let market = walk(length);
    // What no bar has is a count that begins again every 20 bars: a period for each bar, a session of one value.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let counts: Vec<f64> = match wanted.spec.inputs.iter().any(|input| input.name() == "session") {
        true => (0..length).map(|bar| (bar / 20) as f64).collect(),
        false => (0..length).map(|bar| (2 + bar % 20) as f64).collect(),
    };
    let columns = wanted.columns().into_iter();
    let inputs: Vec<&[f64]> =
        columns.map(|column| column.and_then(|column| market.get(column)).unwrap_or(&counts).as_slice()).collect();
    let whole = run(wanted, &inputs)?;
    let sizes: Vec<f64> = whole.iter().map(|values| mean_size(values)).collect();
    let mut worst = lookback;
    for start in STARTS.map(|place| length / 2 * place / 64) {
        let cut: Vec<&[f64]> = inputs.iter().map(|input| input.get(start..).unwrap_or_default()).collect();
        let late = run(wanted, &cut)?;
        for (((values, late), size), output) in whole.iter().zip(&late).zip(&sizes).zip(spec.outputs) {
            let values = values.get(start..).unwrap_or_default();
            let share = if output.kind == Kind::Float { TOLERANCE } else { 0.0 };
            let tolerance = |value: f64| share * value.abs().max(*size);
            let apart = |(value, late): (&f64, &f64)| {
                let same = value.to_bits() == late.to_bits() || (value.is_nan() && late.is_nan());
                let near = (value - late).abs() <= tolerance(*value);
                !(same || near)
            };
            if let Some(last) = values.iter().zip(late).rposition(apart) {
                // Still apart in the last tenth: it does not forget.
                if last + length / 20 >= values.len() {
                    return Ok(None);
                }
                worst = worst.max(last + 1);
            }
        }
    }
    Ok(Some(worst))
}

fn run(wanted: &Wanted, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, TaError> {
    let length = inputs.first().map_or(0, |input| input.len());
    let mut outputs = vec![vec![0.0; length]; wanted.spec.outputs.len()];
    let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    let policy = Policy { seed: wanted.seed, ..Policy::default() };
    wanted.spec.compute(inputs, &wanted.params, policy, &mut slices)?;
    Ok(outputs)
}

fn mean_size(values: &[f64]) -> f64 {
    let (sum, count) = values
        .iter()
        .filter(|value| value.is_finite())
        .fold((0.0, 0.0), |(sum, count), value| (sum + value.abs(), count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Open, high, low, close and volume of a made-up market that is the same every time: steps of up to 1 % around 100,
/// drawn back so that it neither dies nor runs away.
fn walk(length: usize) -> [Vec<f64>; 5] {
    // A linear congruential generator (Knuth's MMIX constants): its upper bits are random enough for a walk.
    let mut state = 20_240_229_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    };
    let mut columns: [Vec<f64>; 5] = Default::default();
    let mut price = 100.0;
    for _ in 0..length {
        let open = price;
        price *= 1.0 + 0.02 * (draw() - 0.5) + 0.002 * (1.0 - price / 100.0);
        let (high, low) = (f64::max(open, price), f64::min(open, price));
        let bar = [open, high * (1.0 + 0.004 * draw()), low * (1.0 - 0.004 * draw()), price, 500.0 + 1000.0 * draw()];
        columns.iter_mut().zip(bar).for_each(|(column, value)| column.push(value));
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ta::{Seed, find};

    fn of(name: &str, params: &[f64]) -> Result<Option<usize>, TaError> {
        warm_up(&Wanted { label: name.to_owned(), spec: find(name)?, params: params.to_vec(), seed: Seed::Talib })
    }

    #[test]
    fn windows_are_warm_after_their_lookback() -> Result<(), TaError> {
        assert_eq!(of("SMA", &[30.0])?, Some(29));
        assert_eq!(of("WILLR", &[14.0])?, Some(13));
        Ok(())
    }

    #[test]
    fn averages_forget_at_the_rate_of_their_weight() -> Result<(), TaError> {
        // The weight of what was before shrinks by 1 - 2/31 a bar, from a difference of a few percent down to 1e-6.
        let bars = of("EMA", &[30.0])?.unwrap_or(0);
        assert!((120..240).contains(&bars), "{bars}");
        // Wilder's weight is 1/14: 1e-6 of a value takes about ln(1e6) * 14 = 193 bars.
        let bars = of("RSI", &[14.0])?.unwrap_or(0);
        assert!((120..320).contains(&bars), "{bars}");
        assert!(of("RSI", &[28.0])? > of("RSI", &[14.0])?);
        Ok(())
    }

    #[test]
    fn totals_never_forget() -> Result<(), TaError> {
        assert_eq!(of("OBV", &[])?, None);
        Ok(())
    }
}
