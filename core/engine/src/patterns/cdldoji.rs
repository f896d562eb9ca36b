//! Doji. O(n), one pass.

use super::kit::{BodyDoji, CANDLE_INPUTS, Candles, Setting, Threshold};
use crate::ta::{Memory, Output, Spec};

/// CDLDOJI.
pub const SPEC: Spec = Spec {
    name: "CDLDOJI",
    group: "Pattern Recognition",
    doc: "Doji: open and close nearly equal; indecision. A dead market (all prices equal) is one too, as in TA-Lib.",
    formula: "|close - open| <= 0.1 * mean(high - low) of the 10 candles before",
    source: "TA-Lib 0.8.2 TA_CDLDOJI",
    inputs: CANDLE_INPUTS,
    params: &[],
    outputs: &[Output::pattern("100 doji (no direction), 0 none")],
    lookback: |_| Ok(BodyDoji::PERIOD),
    memory: Memory::Window,
    seeded: false,
    stream: None,
    kernel: |inputs, _, outputs| {
        let candles = Candles::new(inputs)?;
        let first = BodyDoji::PERIOD;
        let mut doji = Threshold::<BodyDoji>::at(candles, first);
        for (bar, slot) in (first..).zip(outputs.iter_mut().flat_map(|out| out.iter_mut())) {
            *slot = if candles.at(bar).body() <= doji.value() { 100.0 } else { 0.0 };
            doji.advance();
        }
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_body_of_a_tenth_of_the_usual_range_is_a_doji() {
        let (open, high, low) = ([10.0; 13], [14.0; 13], [6.0; 13]);
        let close = [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.8, 10.9, 10.7];
        let out = SPEC.compute_vec(&[&open, &high, &low, &close], &[]).unwrap_or_default().concat();
        assert_eq!(out.get(..10), Some(&[0.0; 10][..]));
        assert_eq!(out.get(10..), Some(&[0.0, 0.0, 100.0][..]));
    }

    #[test]
    fn comes_back_after_a_nan_has_left_the_average() {
        let (open, mut high, low) = ([10.0; 30], [14.0; 30], [6.0; 30]);
        high.iter_mut().skip(12).take(1).for_each(|value| *value = f64::NAN);
        let out = SPEC.compute_vec(&[&open, &high, &low, &open], &[]).unwrap_or_default().concat();
        let doji: Vec<usize> = (0..30).filter(|bar| out.get(*bar) == Some(&100.0)).collect();
        assert_eq!(doji, [10, 11, 23, 24, 25, 26, 27, 28, 29]);
    }
}
