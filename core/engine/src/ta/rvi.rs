//! Relative volatility index. O(n) amortised, one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::moments::RollingMoments;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// RVI.
pub const SPEC: Spec = Spec {
    name: "RVI",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "Relative volatility index: the share of the deviation that fell on rising bars; an RSI of deviations.",
    formula: "s = stddev(x, stddevperiod); up = RMA(s where x rose else 0), down = RMA(s where x fell else 0); RVI = 100 * up / (up + down), 50 if both are 0",
    source: "TA-Lib 0.8.2 TA_RVI; D. Dorsey, Technical Analysis of Stocks and Commodities, 1993",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 14.0, 1.0, "bars of Wilder smoothing"),
        Param::period("stddevperiod", 10.0, 2.0, "bars of the deviation"),
    ],
    outputs: &[Output::float("real", "0..100; above 50 deviations come with rises")],
    lookback: |params| Ok(params.int(0)? + params.int(1)? - 2),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<RelativeVolatility, 1, 1>,
    stream: Some(streaming::<RelativeVolatility, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct RelativeVolatility {
    previous: f64,
    window: RollingMoments,
    /// 1 / the window's length.
    share: f64,
    up: Ema,
    down: Ema,
}

impl State<1, 1> for RelativeVolatility {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (period, deviation) = (params.int(0)?, params.int(1)?);
        let (window, share) = (RollingMoments::new(deviation), 1.0 / float(deviation));
        Ok(Self { previous: f64::NAN, window, share, up: Ema::wilder(period), down: Ema::wilder(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let previous = std::mem::replace(&mut self.previous, value);
        let deviation = self.window.next(value)?.variance(self.share).sqrt();
        let when = |moved: bool| if moved { deviation } else { 0.0 };
        let (up, down) = self.up.next(when(value > previous)).zip(self.down.next(when(value < previous)))?;
        let both = up + down;
        Some([if both == 0.0 { 50.0 } else { 100.0 * (up / both) }])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_share_of_rising_deviations() {
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 2.0, 2.0, 2.0]], &[2.0, 2.0]).unwrap_or_default().concat();
        // deviations 1 up, 0.5 down, 0: up 0.5, then 0.25; down 0.25, then 0.125
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert!(out.iter().skip(2).all(|share| (share - 200.0 / 3.0).abs() < 1e-12), "{out:?}");
        let still = SPEC.compute_vec(&[&[7.0; 5]], &[2.0, 2.0]).unwrap_or_default().concat();
        assert_eq!(still.get(2..), Some(&[50.0; 3][..]));
    }
}
