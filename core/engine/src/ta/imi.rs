//! Intraday momentum index. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// IMI.
pub const SPEC: Spec = Spec {
    name: "IMI",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Intraday momentum index: the share of rising bodies in all bodies, an RSI of open to close.",
    formula: "IMI = 100 * U / (U + D); U, D: sums of close - open of rising and open - close of falling bars, 50 if both are 0",
    source: "TA-Lib 0.8.2 TA_IMI; T. Chande and S. Kroll, The New Technical Trader, 1994",
    inputs: &[Input::Open, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "0..100; above 70 is commonly called overbought, below 30 oversold")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<IntradayMomentum, 2, 1>,
    stream: Some(streaming::<IntradayMomentum, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct IntradayMomentum<N = f64> {
    up: Sum<N>,
    down: Sum<N>,
}

impl<N: Number> Windows<N, 2, 1> for IntradayMomentum<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { up: Sum::new(period), down: Sum::new(period) })
    }

    #[inline(always)]
    fn next(&mut self, [open, close]: [N; 2]) -> Option<[N; 1]> {
        let zero = N::splat(0.0);
        let (rise, fall) = ((close - open).larger(zero), (open - close).larger(zero));
        let (up, down) = self.up.next(rise).zip(self.down.next(fall))?;
        let all = up + down;
        Some([N::if_above(all, zero, N::splat(100.0) * (up / all), N::splat(50.0))])
    }
}

impl Blocks<2, 1> for IntradayMomentum {
    type Over<N: Number> = IntradayMomentum<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_share_of_rising_bodies() {
        let (open, close) = ([1.0, 5.0, 2.0, 2.0], [4.0, 4.0, 2.0, 2.0]);
        let out = SPEC.compute_vec(&[&open, &close], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[75.0, 0.0, 50.0][..]));
    }
}
