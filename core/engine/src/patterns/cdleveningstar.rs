//! Evening star. O(n), one pass.

use super::kit::{BodyLong, BodyShort, CANDLE_INPUTS, Candle, Candles, Setting, Threshold};
use crate::ta::{Memory, Output, Param, Spec};

const LOOKBACK: usize = BodyLong::PERIOD + 2;

/// CDLEVENINGSTAR.
pub const SPEC: Spec = Spec {
    name: "CDLEVENINGSTAR",
    group: "Pattern Recognition",
    doc: "Evening star: a long white body, a small one gapping above it, a black one closing well into the first.",
    formula: "body1 > mean body(10), white; body2 <= mean body(10), above body1; body3 > mean body(10), black, close3 < close1 - penetration * body1",
    source: "TA-Lib 0.8.2 TA_CDLEVENINGSTAR",
    inputs: CANDLE_INPUTS,
    params: &[Param::real("penetration", 0.3, 0.0, "share of the first body the third must close into")],
    outputs: &[Output::pattern("-100 evening star, 0 none")],
    lookback: |_| Ok(LOOKBACK),
    memory: Memory::Window,
    seeded: false,
    stream: None,
    kernel: |inputs, params, outputs| {
        let candles = Candles::new(inputs)?;
        let penetration = params.real(0)?;
        let mut long = Threshold::<BodyLong>::at(candles, LOOKBACK - 2);
        let mut short = Threshold::<BodyShort>::at(candles, LOOKBACK - 1);
        let mut not_short = Threshold::<BodyShort>::at(candles, LOOKBACK);
        for (bar, slot) in (LOOKBACK..).zip(outputs.iter_mut().flat_map(|out| out.iter_mut())) {
            let (first, star, third) = (candles.at(bar - 2), candles.at(bar - 1), candles.at(bar));
            let sizes = first.body() > long.value() && star.body() <= short.value() && third.body() > not_short.value();
            *slot = if sizes && turns(&first, &star, &third, penetration) { -100.0 } else { 0.0 };
            long.advance();
            short.advance();
            not_short.advance();
        }
        Ok(())
    },
};

fn turns(first: &Candle, star: &Candle, third: &Candle, penetration: f64) -> bool {
    first.is_white()
        && star.body_bottom() > first.body_top()
        && third.is_black()
        && third.close < first.close - first.body() * penetration
}

#[cfg(test)]
mod tests {
    use super::{Candle, turns};

    fn candle(open: f64, close: f64) -> Candle {
        Candle { open, high: open.max(close), low: open.min(close), close }
    }

    #[test]
    fn the_third_must_close_into_the_first() {
        let (first, star) = (candle(10.0, 20.0), candle(21.0, 21.5));
        assert!(turns(&first, &star, &candle(20.0, 16.9), 0.3));
        assert!(!turns(&first, &star, &candle(20.0, 17.1), 0.3));
        assert!(!turns(&first, &candle(19.0, 21.5), &candle(20.0, 16.9), 0.3), "no gap");
    }
}
