//! Average directional movement index. O(n), one pass, recursive.

use super::kit::{Input, Output, Param, Spec, TaError, float, ranges};

/// ADX.
pub const SPEC: Spec = Spec {
    name: "ADX",
    group: "Momentum Indicators",
    doc: "Average directional index: strength of a trend, whichever its direction.",
    formula: "DX = 100 * |+DI - -DI| / (+DI + -DI); ADX: mean of the first n DX, then (ADX*(n-1) + DX) / n",
    source: "TA-Lib 0.8.2 TA_ADX; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "0..100; above 25 is commonly called a trend")],
    lookback: |params| Ok(2 * params.int(0)? - 1),
    kernel: |inputs, params, outputs| {
        let ([high, low, close], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        adx([high, low, close], params.int(0)?, out);
        Ok(())
    },
};

fn adx(prices: [&[f64]; 3], period: usize, out: &mut [f64]) {
    let [high, low, close] = prices;
    let (count, weight) = (float(period), 1.0 / float(period));
    let mut bars = ranges::movements(high, low, close);
    let mut sums = ranges::Movement::default();
    for bar in bars.by_ref().take(period - 1) {
        sums.add(bar);
    }
    let mut total = 0.0;
    for bar in bars.by_ref().take(period) {
        sums.smooth(bar, weight);
        total += sums.dx().unwrap_or(0.0);
    }
    let mut average = total / count;
    let mut slots = out.iter_mut();
    if let Some(slot) = slots.next() {
        *slot = average;
    }
    for (slot, bar) in slots.zip(bars) {
        sums.smooth(bar, weight);
        // Where there was no range TA-Lib keeps the last value.
        if let Some(dx) = sums.dx() {
            average += (dx - average) * weight;
        }
        *slot = average;
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_one_way_market_is_a_hundred_and_a_dead_one_zero() {
        let high: Vec<f64> = (2..12).map(f64::from).collect();
        let low: Vec<f64> = (0..10).map(f64::from).collect();
        let close: Vec<f64> = (1..11).map(f64::from).collect();
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        assert_eq!(out.get(3..), Some(&[100.0; 7][..]));
        let dead = [5.0; 6];
        let out = SPEC.compute_vec(&[&dead, &dead, &dead], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(3..), Some(&[0.0; 3][..]));
    }
}
