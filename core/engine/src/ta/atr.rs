//! Average true range. O(n), one pass, recursive.

use super::kit::{Input, Output, Param, Spec, TaError, float, ranges};

/// ATR.
pub const SPEC: Spec = Spec {
    name: "ATR",
    group: "Volatility Indicators",
    doc: "Average true range, Wilder-smoothed; how far a bar usually moves, gaps included.",
    formula: "TR = max(high-low, |high-close[-1]|, |low-close[-1]|); ATR[i] = (ATR[i-1]*(n-1) + TR[i]) / n",
    source: "TA-Lib 0.8.2 TA_ATR; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars of Wilder smoothing; 1 is the true range itself")],
    outputs: &[Output::float("real", "range, in the price's unit")],
    lookback: |params| params.int(0),
    kernel: |inputs, params, outputs| {
        let ([high, low, close], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        average_true_range([high, low, close], params.int(0)?, out);
        Ok(())
    },
};

/// Wilder average of the true range of (high, low, close); `out[0]` belongs to bar `period`.
pub(crate) fn average_true_range(prices: [&[f64]; 3], period: usize, out: &mut [f64]) {
    let [high, low, close] = prices;
    let (count, weight) = (float(period), 1.0 / float(period));
    let mut bars = ranges::true_ranges(high, low, close);
    let mut average = bars.by_ref().take(period).sum::<f64>() / count;
    let mut slots = out.iter_mut();
    if let Some(slot) = slots.next() {
        *slot = average;
    }
    for (slot, range) in slots.zip(bars) {
        average += (range - average) * weight;
        *slot = average;
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn counts_the_gap() {
        let (high, low, close) = ([2.0, 3.0, 9.0, 9.0], [1.0, 1.0, 8.0, 8.0], [1.5, 2.0, 8.5, 8.5]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // true ranges 2, 7, 1
        assert_eq!(out.get(2..), Some(&[4.5, 2.75][..]));
    }
}
