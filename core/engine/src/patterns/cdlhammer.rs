//! Hammer. O(n), one pass.

use super::kit::{BodyShort, CANDLE_INPUTS, Candles, Near, Setting, ShadowLong, ShadowVeryShort, Threshold};
use crate::ta::{Memory, Output, Spec};

const LOOKBACK: usize = BodyShort::PERIOD + 1;

/// CDLHAMMER.
pub const SPEC: Spec = Spec {
    name: "CDLHAMMER",
    group: "Pattern Recognition",
    doc: "Hammer: a small body high up over a long lower shadow, near the low before; bullish if it ends a fall.",
    formula: "body < mean body(10); lower shadow > body; upper shadow < 0.1 * mean range(10); \
              body's bottom <= previous low + 0.2 * mean range(5)",
    source: "TA-Lib 0.8.2 TA_CDLHAMMER",
    inputs: CANDLE_INPUTS,
    params: &[],
    outputs: &[Output::pattern("100 hammer, 0 none; the fall before it is for the reader to check")],
    lookback: |_| Ok(LOOKBACK),
    memory: Memory::Window,
    seeded: false,
    stream: None,
    kernel: |inputs, _, outputs| {
        let candles = Candles::new(inputs)?;
        let mut short_body = Threshold::<BodyShort>::at(candles, LOOKBACK);
        let mut long_shadow = Threshold::<ShadowLong>::at(candles, LOOKBACK);
        let mut no_shadow = Threshold::<ShadowVeryShort>::at(candles, LOOKBACK);
        // Measured at the bar before.
        let mut near = Threshold::<Near>::at(candles, LOOKBACK - 1);
        for (bar, slot) in (LOOKBACK..).zip(outputs.iter_mut().flat_map(|out| out.iter_mut())) {
            let candle = candles.at(bar);
            let hit = candle.body() < short_body.value()
                && candle.lower_shadow() > long_shadow.value()
                && candle.upper_shadow() < no_shadow.value()
                && candle.body_bottom() <= candles.at(bar - 1).low + near.value();
            *slot = if hit { 100.0 } else { 0.0 };
            short_body.advance();
            long_shadow.advance();
            no_shadow.advance();
            near.advance();
        }
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn needs_the_long_lower_shadow_near_the_low() {
        // Eleven candles 10 -> 12 in 9..13, then a body 9.5 -> 10 with the given low.
        let hit_after = |last_high: f64, low: f64, open: f64| {
            let mut series = [vec![10.0; 11], vec![13.0; 10], vec![9.0; 11], vec![12.0; 11]];
            series.iter_mut().skip(1).take(1).for_each(|high| high.push(last_high));
            for (side, value) in series.iter_mut().zip([open, open + 0.5, low, open + 0.5]) {
                side.push(value);
            }
            let inputs: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
            SPEC.compute_vec(&inputs, &[]).unwrap_or_default().concat().last().copied()
        };
        let hit = |low: f64, open: f64| hit_after(13.0, low, open);
        assert_eq!(hit(8.0, 9.5), Some(100.0));
        assert_eq!(hit(9.25, 9.5), Some(0.0), "shadow too short");
        assert_eq!(hit(8.0, 9.9), Some(0.0), "too far above the low before: 9 + 0.2 * 4 = 9.8");
        assert_eq!(hit_after(49.0, 8.0, 9.9), Some(0.0), "the bar before does not widen what is near it");
    }
}
