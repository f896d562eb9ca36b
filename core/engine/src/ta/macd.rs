//! Moving average convergence / divergence. O(n), one pass, recursive.

use std::iter;

use super::kit::averages::Exponential;
use super::kit::{Input, Output, Param, Params, Spec, TaError};

/// MACD.
pub const SPEC: Spec = Spec {
    name: "MACD",
    group: "Momentum Indicators",
    doc: "Moving average convergence/divergence: fast minus slow EMA, its own EMA, and the difference of the two.",
    formula: "macd = EMA(x, fast) - EMA(x, slow); macdsignal = EMA(macd, signal); macdhist = macd - macdsignal",
    source: "TA-Lib 0.8.2 TA_MACD (both EMAs start at the bar where the slow one can; a fast longer than slow is swapped)",
    inputs: &[Input::Real],
    params: &[
        Param::period("fastperiod", 12.0, 2.0, "bars of the fast EMA"),
        Param::period("slowperiod", 26.0, 2.0, "bars of the slow EMA"),
        Param::period("signalperiod", 9.0, 1.0, "bars of the signal's EMA"),
    ],
    outputs: &[
        Output::float("macd", "fast minus slow, in the input's unit; above 0 the short trend is the higher one"),
        Output::float("macdsignal", "smoothed macd"),
        Output::float("macdhist", "macd minus macdsignal; its sign change is the usual trigger"),
    ],
    lookback: |params| {
        let (_, slow, signal) = periods(params)?;
        Ok(slow + signal - 2)
    },
    kernel: |inputs, params, outputs| {
        let ([real], [macd, signal, histogram]) = (inputs, outputs) else {
            return Err(TaError::Wiring { what: "series" });
        };
        let (fast, slow, smoothing) = periods(params)?;
        // TA-Lib seeds the fast average so that its first value falls on the slow one's first bar.
        let (head, rest) = real.split_at(slow);
        let mut fast_line = Exponential::seeded(head.split_at(slow - fast).1);
        let mut slow_line = Exponential::seeded(head);
        let start = fast_line.value() - slow_line.value();
        let mut line =
            iter::once(start).chain(rest.iter().map(|value| fast_line.next(*value) - slow_line.next(*value)));
        let seed: Vec<f64> = line.by_ref().take(smoothing).collect();
        let mut signal_line = Exponential::seeded(&seed);
        // The bar that completes the seed, then one bar after the other.
        let first = seed.last().map(|macd| (*macd, signal_line.value()));
        let bars = first.into_iter().chain(line.map(|macd| (macd, signal_line.next(macd))));
        for (((macd, signal), histogram), (value, average)) in
            macd.iter_mut().zip(signal.iter_mut()).zip(histogram.iter_mut()).zip(bars)
        {
            (*macd, *signal, *histogram) = (value, average, value - average);
        }
        Ok(())
    },
};

/// Fast, slow and signal periods, the shorter one fast.
fn periods(params: &Params) -> Result<(usize, usize, usize), TaError> {
    let (fast, slow) = (params.int(0)?, params.int(1)?);
    Ok((fast.min(slow), fast.max(slow), params.int(2)?))
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_straight_line_keeps_a_constant_distance() {
        // An EMA trails a line of slope 1 by (n - 1) / 2 bars, seed included: 2.5 - 1.5 = 1.
        let real: Vec<f64> = (0..12).map(f64::from).collect();
        let outputs = SPEC.compute_vec(&[&real], &[4.0, 6.0, 3.0]).unwrap_or_default();
        for (output, expected) in outputs.iter().zip([1.0, 1.0, 0.0]) {
            assert!(output.iter().take(7).all(|value| value.is_nan()));
            assert!(output.iter().skip(7).all(|value| (value - expected).abs() < 1e-12), "{output:?}");
        }
    }

    #[test]
    fn swapped_periods_are_put_right() {
        let real: Vec<f64> = (0..20).map(|i| f64::from(i * i % 7)).collect();
        let text = |params: &[f64]| format!("{:?}", SPEC.compute_vec(&[&real], params));
        assert_eq!(text(&[3.0, 6.0, 2.0]), text(&[6.0, 3.0, 2.0]));
    }
}
