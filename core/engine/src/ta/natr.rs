//! Normalised average true range. O(n), one pass, recursive.

use super::atr::average_true_range;
use super::kit::{Input, Output, Param, Spec, TaError, ratio_or_zero};

/// NATR.
pub const SPEC: Spec = Spec {
    name: "NATR",
    group: "Volatility Indicators",
    doc: "Average true range in percent of the close; comparable between instruments.",
    formula: "NATR = 100 * ATR / close",
    source: "TA-Lib 0.8.2 TA_NATR (with timeperiod 1 TA-Lib gives the plain true range, and so does this)",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "range, in percent of the close")],
    lookback: |params| params.int(0),
    kernel: |inputs, params, outputs| {
        let ([high, low, close], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        let period = params.int(0)?;
        average_true_range([high, low, close], period, out);
        if period > 1 {
            for (slot, close) in out.iter_mut().zip(close.iter().skip(period)) {
                *slot = ratio_or_zero(*slot, *close) * 100.0;
            }
        }
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_a_percentage_of_the_close() {
        let (high, low, close) = ([12.0, 12.0, 12.0], [8.0, 8.0, 8.0], [10.0, 10.0, 10.0]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.last(), Some(&40.0));
    }
}
