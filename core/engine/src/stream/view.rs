//! The market view: closed bars of several time frames with the indicators that the agents asked for.

use super::Bars;
use crate::ta::{Input, TaError, resolve};

/// Named indicator outputs of one time frame, each as long as its bars.
pub type Series = Vec<(String, Vec<f64>)>;

/// Compute indicators by id (`RSI_14`, `MACD_12_26_9`). An indicator with several outputs gives one series each,
/// named `MACD_12_26_9.macdhist`. The input `Real` is the close; `Real0` and `Real1` are the high and the low; a session
/// is the UTC day in which the bar opens.
///
/// # Errors
/// An id that names no indicator, or one that reads what bars do not have; parameters out of bounds.
pub fn series(bars: &Bars, ids: &[String]) -> Result<Series, TaError> {
    let sessions: Vec<f64> = bars.ts_open.iter().map(|ts_open| utc_day(*ts_open)).collect();
    let mut out = Vec::with_capacity(ids.len());
    for id in ids {
        let (spec, params) = resolve(id)?;
        if let Some(input) = spec.inputs.iter().find(|input| **input == Input::Periods) {
            return Err(TaError::NotInBars { name: spec.name, input: input.name() });
        }
        let inputs: Vec<&[f64]> = spec.inputs.iter().map(|input| column(bars, &sessions, *input)).collect();
        let outputs = spec.compute_vec(&inputs, &params)?;
        let single = spec.outputs.len() == 1;
        for (output, values) in spec.outputs.iter().zip(outputs) {
            out.push((if single { id.clone() } else { format!("{id}.{}", output.name) }, values));
        }
    }
    Ok(out)
}

/// Days since 1970; whole numbers of days are exact as floats.
#[expect(clippy::cast_precision_loss, reason = "292 years of days on either side")]
fn utc_day(ts_open: i64) -> f64 {
    const DAY: i64 = 86_400_000_000_000;
    ts_open.div_euclid(DAY) as f64
}

fn column<'bars>(bars: &'bars Bars, sessions: &'bars [f64], input: Input) -> &'bars [f64] {
    match input {
        Input::Open => &bars.open,
        Input::High | Input::Real0 => &bars.high,
        Input::Low | Input::Real1 => &bars.low,
        Input::Close | Input::Real | Input::Periods => &bars.close,
        Input::Volume => &bars.volume,
        Input::Session => sessions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Timeframe;

    #[test]
    fn names_one_series_for_each_output() -> Result<(), TaError> {
        let ts: Vec<i64> = (0..60).map(|minute| minute * 60_000_000_000).collect();
        let values: Vec<f64> = (0..60).map(|row| 10.0 + f64::from(row % 7)).collect();
        let columns = ["open", "high", "low", "close", "volume"].map(|name| (name, values.as_slice()));
        let bars = Bars::closed(Timeframe::Fixed(60_000_000_000), &ts, columns, i64::MAX).unwrap_or_default();
        let ids = ["RSI_14".to_owned(), "MACD_12_26_9".to_owned()];
        let found = series(&bars, &ids)?;
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["RSI_14", "MACD_12_26_9.macd", "MACD_12_26_9.macdsignal", "MACD_12_26_9.macdhist"]);
        assert!(found.iter().all(|(_, values)| values.len() == bars.len()));
        assert!(series(&bars, &["NOPE_3".to_owned()]).is_err());
        let refused = series(&bars, &["MAVP_2_30_0".to_owned()]).map_err(|error| error.to_string());
        assert_eq!(
            refused,
            Err("MAVP reads periods, which bars do not have; call it with a series of them".to_owned())
        );
        Ok(())
    }

    #[test]
    fn two_series_of_any_kind_are_the_high_and_the_low() -> Result<(), TaError> {
        let columns = [("open", &[2.0]), ("high", &[5.0]), ("low", &[1.0]), ("close", &[3.0]), ("volume", &[9.0])];
        let columns = columns.map(|(name, values)| (name, values.as_slice()));
        let bars = Bars::closed(Timeframe::Fixed(60_000_000_000), &[0], columns, i64::MAX).unwrap_or_default();
        assert_eq!(series(&bars, &["SUB".to_owned()])?, [("SUB".to_owned(), vec![4.0])]);
        Ok(())
    }

    #[test]
    fn a_session_is_the_utc_day() -> Result<(), TaError> {
        // Six bars of four hours from 16:00 on: two on the first day.
        const HOURS: i64 = 4 * 3_600_000_000_000;
        let ts: Vec<i64> = (4..10).map(|bar| bar * HOURS).collect();
        let price: Vec<f64> = (0..6).map(|bar| 10.0 * f64::from(bar)).collect();
        let volume = [1.0; 6];
        let mut columns = ["open", "high", "low", "close", "volume"].map(|name| (name, price.as_slice()));
        columns.iter_mut().filter(|(name, _)| *name == "volume").for_each(|(_, values)| *values = &volume);
        let bars = Bars::closed(Timeframe::Fixed(HOURS), &ts, columns, i64::MAX).unwrap_or_default();
        let found = series(&bars, &["VWAP_SESSION".to_owned()])?;
        let values = found.first().map(|(_, values)| values.as_slice());
        assert_eq!(values, Some(&[0.0, 5.0, 20.0, 25.0, 30.0, 35.0][..]));
        Ok(())
    }
}
