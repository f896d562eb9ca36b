//! Chande momentum oscillator, unsmoothed. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// CMOU.
pub const SPEC: Spec = Spec {
    name: "CMOU",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Chande momentum oscillator as Chande defined it: rises minus falls in all movement; 0 when nothing moved.",
    formula: "CMOU = 100 * (U - D) / (U + D); U, D: sums of the rises and of the falls over n changes",
    source: "TA-Lib 0.8.2 TA_CMOU; T. Chande and S. Kroll, The New Technical Trader, 1994",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "changes in the window")],
    outputs: &[Output::float("real", "-100..100; beyond +-50 is commonly called overbought or oversold")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<PlainMomentum, 1, 1>,
    stream: Some(streaming::<PlainMomentum, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct PlainMomentum<N = f64> {
    previous: Option<N>,
    up: Sum<N>,
    down: Sum<N>,
}

impl<N: Number> Windows<N, 1, 1> for PlainMomentum<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { previous: None, up: Sum::new(period), down: Sum::new(period) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        let (zero, previous) = (N::splat(0.0), self.previous.replace(value)?);
        let (rise, fall) = ((value - previous).larger(zero), (previous - value).larger(zero));
        let (up, down) = self.up.next(rise).zip(self.down.next(fall))?;
        Some([N::splat(100.0) * (up - down).over_or_zero(up + down)])
    }
}

impl Blocks<1, 1> for PlainMomentum {
    type Over<N: Number> = PlainMomentum<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_rises_minus_falls_of_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 3.0, 3.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        // changes 3 -1 0 0: (3 - 1) / 4, then -1 / 1, then nothing moved
        assert_eq!(out.get(2..), Some(&[50.0, -100.0, 0.0][..]));
    }
}
