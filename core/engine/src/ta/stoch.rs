//! Stochastic oscillator. O(n) for every period.

use super::kit::averages::{moving_average, moving_average_vec};
use super::kit::{Input, Output, Param, Spec, TaError, extremes, nearly_equal};

/// STOCH.
pub const SPEC: Spec = Spec {
    name: "STOCH",
    group: "Momentum Indicators",
    doc: "Slow stochastic: where the close stands between the lowest low and the highest high, smoothed twice.",
    formula: "fastk = 100 * (close - LL(k)) / (HH(k) - LL(k)), 0 if HH = LL; slowk = MA(fastk); slowd = MA(slowk)",
    source: "TA-Lib 0.8.2 TA_STOCH",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("fastk_period", 5.0, 1.0, "bars of the high-low window"),
        Param::period("slowk_period", 3.0, 1.0, "bars of the first smoothing"),
        Param::average("slowk_matype", "kind of the first smoothing: 0 SMA, 1 EMA, 2 WMA"),
        Param::period("slowd_period", 3.0, 1.0, "bars of the second smoothing"),
        Param::average("slowd_matype", "kind of the second smoothing: 0 SMA, 1 EMA, 2 WMA"),
    ],
    outputs: &[
        Output::float("slowk", "0..100; above 80 is commonly called overbought, below 20 oversold"),
        Output::float("slowd", "smoothed slowk; its crossing with slowk is the usual trigger"),
    ],
    lookback: |params| Ok(params.int(0)? + params.int(1)? + params.int(3)? - 3),
    kernel: |inputs, params, outputs| {
        let ([high, low, close], [slow_k, slow_d]) = (inputs, outputs) else {
            return Err(TaError::Wiring { what: "series" });
        };
        let (window, second) = (params.int(0)?, params.int(3)?);
        let raw = place_in_range(high, low, close, window);
        let smooth = moving_average_vec(params.average(2)?, &raw, params.int(1)?);
        moving_average(params.average(4)?, &smooth, second, slow_d);
        slow_k.copy_from_slice(smooth.split_at(second - 1).1);
        Ok(())
    },
};

fn place_in_range(high: &[f64], low: &[f64], close: &[f64], period: usize) -> Vec<f64> {
    let highest = extremes::rolling_vec(high, period, extremes::above);
    let lowest = extremes::rolling_vec(low, period, extremes::below);
    let closes = close.iter().skip(period - 1);
    let place = |((high, low), close): ((&f64, &f64), &f64)| {
        if nearly_equal(*high, *low) { 0.0 } else { (close - low) / ((high - low) / 100.0) }
    };
    highest.iter().zip(&lowest).zip(closes).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_place_in_the_range() {
        let (high, low, close) = ([4.0, 5.0, 6.0, 6.0], [0.0, 1.0, 2.0, 2.0], [2.0, 3.0, 5.0, 2.0]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0, 1.0, 0.0, 2.0, 0.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(2..).unwrap_or_default()).collect();
        // fastk of bars 1, 2, 3: 60, 80, 0
        assert_eq!(tails, [[80.0, 0.0], [70.0, 40.0]]);
    }
}
