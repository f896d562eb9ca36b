//! The market view: closed bars of several time frames with the indicators that the agents asked for.

use super::Bars;
use crate::ta::{Input, TaError, resolve};

/// Named indicator outputs of one time frame, each as long as its bars.
pub type Series = Vec<(String, Vec<f64>)>;

/// Compute indicators by id (`RSI_14`, `MACD_12_26_9`). An indicator with several outputs gives one series each,
/// named `MACD_12_26_9.macdhist`. The input `Real` is the close.
///
/// # Errors
/// An id that names no indicator, or one that reads what bars do not have; parameters out of bounds.
pub fn series(bars: &Bars, ids: &[String]) -> Result<Series, TaError> {
    let mut out = Vec::with_capacity(ids.len());
    for id in ids {
        let (spec, params) = resolve(id)?;
        if let Some(input) = spec.inputs.iter().find(|input| **input == Input::Periods) {
            return Err(TaError::NotInBars { name: spec.name, input: input.name() });
        }
        let inputs: Vec<&[f64]> = spec.inputs.iter().map(|input| column(bars, *input)).collect();
        let outputs = spec.compute_vec(&inputs, &params)?;
        let single = spec.outputs.len() == 1;
        for (output, values) in spec.outputs.iter().zip(outputs) {
            out.push((if single { id.clone() } else { format!("{id}.{}", output.name) }, values));
        }
    }
    Ok(out)
}

fn column(bars: &Bars, input: Input) -> &[f64] {
    match input {
        Input::Open => &bars.open,
        Input::High => &bars.high,
        Input::Low => &bars.low,
        Input::Close | Input::Real | Input::Periods => &bars.close,
        Input::Volume => &bars.volume,
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
}
