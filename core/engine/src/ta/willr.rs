//! Williams' %R. O(n) for every period.

use super::kit::{Input, Output, Param, Spec, TaError, extremes, nearly_equal};

/// WILLR.
pub const SPEC: Spec = Spec {
    name: "WILLR",
    group: "Momentum Indicators",
    doc: "Williams' %R: how far the close is below the highest high, in percent of the high-low range.",
    formula: "-100 * (HH(n) - close) / (HH(n) - LL(n)), 0 if HH = LL",
    source: "TA-Lib 0.8.2 TA_WILLR",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of the high-low window")],
    outputs: &[Output::float("real", "-100..0; above -20 is commonly called overbought, below -80 oversold")],
    lookback: |params| Ok(params.int(0)? - 1),
    kernel: |inputs, params, outputs| {
        let ([high, low, close], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        let period = params.int(0)?;
        extremes::rolling(high, period, extremes::above, out);
        let lowest = extremes::rolling_vec(low, period, extremes::below);
        for ((slot, low), close) in out.iter_mut().zip(&lowest).zip(close.iter().skip(period - 1)) {
            let high = *slot;
            *slot = if nearly_equal(high, *low) { 0.0 } else { (high - close) / ((high - low) / -100.0) };
        }
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_minus_the_distance_from_the_high() {
        let (high, low, close) = ([4.0, 5.0, 5.0], [0.0, 1.0, 1.0], [2.0, 4.0, 1.0]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[-20.0, -100.0][..]));
    }
}
