//! Relative strength index. O(n), one pass, recursive.

use super::kit::{Input, Output, Param, Spec, TaError, float, ratio_or_zero};

/// RSI.
pub const SPEC: Spec = Spec {
    name: "RSI",
    group: "Momentum Indicators",
    doc: "Relative strength index: the share of rises in all movement, Wilder-smoothed; 0 when nothing moved.",
    formula: "RSI = 100 * G / (G + L); G, L: mean rise and fall, then G[i] = (G[i-1]*(n-1) + rise) / n",
    source: "TA-Lib 0.8.2 TA_RSI; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "0..100; above 70 is commonly called overbought, below 30 oversold")],
    lookback: |params| params.int(0),
    kernel: |inputs, params, outputs| {
        let ([real], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        rsi(real, params.int(0)?, out);
        Ok(())
    },
};

/// A NaN change counts as a rise, so that the sums, and with them every later value, become NaN and never a number.
fn split(change: f64) -> (f64, f64) {
    if change < 0.0 { (0.0, -change) } else { (change, 0.0) }
}

fn rsi(real: &[f64], period: usize, out: &mut [f64]) {
    let (count, weight) = (float(period), 1.0 / float(period));
    let mut changes = real.iter().skip(1).zip(real).map(|(value, previous)| split(value - previous));
    let (mut gain, mut loss) = (0.0, 0.0);
    for (rise, fall) in changes.by_ref().take(period) {
        gain += rise;
        loss += fall;
    }
    gain /= count;
    loss /= count;
    let mut slots = out.iter_mut();
    if let Some(slot) = slots.next() {
        *slot = 100.0 * ratio_or_zero(gain, gain + loss);
    }
    for (slot, (rise, fall)) in slots.zip(changes) {
        gain += (rise - gain) * weight;
        loss += (fall - loss) * weight;
        *slot = 100.0 * ratio_or_zero(gain, gain + loss);
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_share_of_rises() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 3.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // mean rise 1.5, mean fall 0.5; then both halve
        assert_eq!(out.get(2..), Some(&[75.0, 75.0][..]));
    }

    #[test]
    fn is_nan_after_a_nan_and_never_zero() {
        let real: Vec<f64> = (0..40).map(|i| if i == 20 { f64::NAN } else { f64::from(i) }).collect();
        let out = SPEC.compute_vec(&[&real], &[14.0]).unwrap_or_default().concat();
        assert_eq!(out.get(14..20), Some(&[100.0; 6][..]));
        assert!(out.iter().skip(20).all(|value| value.is_nan()));
    }
}
