//! Engulfing pattern. O(n), one pass.

use super::kit::{CANDLE_INPUTS, Candle, Candles};
use crate::ta::{Memory, Output, Spec};

/// Bars before the first value: one more than the pattern needs, as in TA-Lib.
const LOOKBACK: usize = 2;

/// CDLENGULFING.
pub const SPEC: Spec = Spec {
    name: "CDLENGULFING",
    group: "Pattern Recognition",
    doc: "Engulfing: a body of the other colour covers the whole body before; a reversal if it ends a trend.",
    formula: "colours differ; the second body reaches from one end of the first to beyond the other",
    source: "TA-Lib 0.8.2 TA_CDLENGULFING",
    inputs: CANDLE_INPUTS,
    params: &[],
    outputs: &[Output::pattern("100 bullish, -100 bearish, 80 or -80 when the bodies share an end, 0 none")],
    lookback: |_| Ok(LOOKBACK),
    memory: Memory::Window,
    seeded: false,
    stream: None,
    kernel: |inputs, _, outputs| {
        let candles = Candles::new(inputs)?;
        for (bar, slot) in (LOOKBACK..).zip(outputs.iter_mut().flat_map(|out| out.iter_mut())) {
            *slot = engulfing(&candles.at(bar - 1), &candles.at(bar));
        }
        Ok(())
    },
};

fn engulfing(first: &Candle, second: &Candle) -> f64 {
    // Does the body second_low..second_high cover first_low..first_high, with at most one end shared?
    let covers = |second_low: f64, second_high: f64, first_low: f64, first_high: f64| {
        (second_high >= first_high && second_low < first_low) || (second_high > first_high && second_low <= first_low)
    };
    let direction = if first.is_black() && second.is_white() {
        f64::from(u8::from(covers(second.open, second.close, first.close, first.open)))
    } else if first.is_white() && second.is_black() {
        -f64::from(u8::from(covers(second.close, second.open, first.open, first.close)))
    } else {
        0.0
    };
    let shares_an_end = second.open == first.close || second.close == first.open;
    direction * if shares_an_end { 80.0 } else { 100.0 }
}

#[cfg(test)]
mod tests {
    use super::{Candle, engulfing};

    fn candle(open: f64, close: f64) -> Candle {
        Candle { open, high: open.max(close) + 1.0, low: open.min(close) - 1.0, close }
    }

    #[test]
    fn tells_the_three_cases_apart() {
        assert_eq!(engulfing(&candle(5.0, 4.0), &candle(3.0, 6.0)), 100.0);
        assert_eq!(engulfing(&candle(4.0, 5.0), &candle(6.0, 3.0)), -100.0);
        assert_eq!(engulfing(&candle(5.0, 4.0), &candle(4.0, 6.0)), 80.0);
        assert_eq!(engulfing(&candle(5.0, 4.0), &candle(4.0, 5.0)), 0.0);
        assert_eq!(engulfing(&candle(5.0, 4.0), &candle(6.0, 3.0)), 0.0);
        assert_eq!(engulfing(&candle(5.0, f64::NAN), &candle(6.0, 3.0)), 0.0);
    }
}
