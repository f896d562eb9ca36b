//! Morning star. O(n), one pass.

use super::kit::{BodyLong, BodyShort, CANDLE_INPUTS, Candle, Candles, Setting, Threshold};
use crate::ta::{Memory, Output, Param, Spec};

const LOOKBACK: usize = BodyLong::PERIOD + 2;

/// CDLMORNINGSTAR.
pub const SPEC: Spec = Spec {
    name: "CDLMORNINGSTAR",
    group: "Pattern Recognition",
    doc: "Morning star: a long black body, a small one gapping below it, a white one closing well into the first.",
    formula: "body1 > mean body(10), black; body2 <= mean body(10), below body1; body3 > mean body(10), white, close3 > close1 + penetration * body1",
    source: "TA-Lib 0.8.2 TA_CDLMORNINGSTAR",
    inputs: CANDLE_INPUTS,
    params: &[Param::real("penetration", 0.3, 0.0, "share of the first body the third must close into")],
    outputs: &[Output::pattern("100 morning star, 0 none")],
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
            *slot = if sizes && turns(&first, &star, &third, penetration) { 100.0 } else { 0.0 };
            long.advance();
            short.advance();
            not_short.advance();
        }
        Ok(())
    },
};

fn turns(first: &Candle, star: &Candle, third: &Candle, penetration: f64) -> bool {
    first.is_black()
        && star.body_top() < first.body_bottom()
        && third.is_white()
        && third.close > first.close + first.body() * penetration
}

#[cfg(test)]
mod tests {
    use super::{Candle, turns};

    fn candle(open: f64, close: f64) -> Candle {
        Candle { open, high: open.max(close), low: open.min(close), close }
    }

    #[test]
    fn the_third_must_close_into_the_first() {
        let (first, star) = (candle(20.0, 10.0), candle(9.0, 8.5));
        assert!(turns(&first, &star, &candle(10.0, 13.1), 0.3));
        assert!(!turns(&first, &star, &candle(10.0, 12.9), 0.3));
        assert!(!turns(&first, &candle(11.0, 8.5), &candle(10.0, 13.1), 0.3), "no gap");
    }
}
