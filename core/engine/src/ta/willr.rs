//! Williams' %R. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::{Maximum, Minimum};
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, if_nearly_equal, streaming};

/// WILLR.
pub const SPEC: Spec = Spec {
    name: "WILLR",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Williams' %R: how far the close is below the highest high, in percent of the high-low range.",
    formula: "-100 * (HH(n) - close) / (HH(n) - LL(n)), 0 if HH = LL",
    source: "TA-Lib 0.8.2 TA_WILLR",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of the high-low window")],
    outputs: &[Output::float("real", "-100..0; above -20 is commonly called overbought, below -80 oversold")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<WilliamsRange, 3, 1>,
    stream: Some(streaming::<WilliamsRange, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct WilliamsRange<N = f64> {
    highest: Maximum<N>,
    lowest: Minimum<N>,
}

impl<N: Number> Windows<N, 3, 1> for WilliamsRange<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { highest: Maximum::new(period), lowest: Minimum::new(period) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low, close]: [N; 3]) -> Option<[N; 1]> {
        let (highest, lowest) = (self.highest.next(high), self.lowest.next(low));
        let (highest, lowest) = highest.zip(lowest)?;
        let place = (highest - close) / ((highest - lowest) * N::splat(-0.01));
        Some([if_nearly_equal(highest, lowest, N::splat(0.0), place)])
    }
}

impl Blocks<3, 1> for WilliamsRange {
    type Over<N: Number> = WilliamsRange<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_minus_the_distance_from_the_high() {
        let (high, low, close) = ([4.0, 5.0, 5.0], [0.0, 1.0, 1.0], [2.0, 4.0, 1.0]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[-20.0, -100.0][..]));
    }
}
