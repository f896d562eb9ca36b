//! Chaikin money flow. O(n) amortised, no drift: see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::flows::money_flow;
use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// CMF.
pub const SPEC: Spec = Spec {
    name: "CMF",
    group: "Volume Indicators",
    self_checking: true,
    doc: "Chaikin money flow: the volume of the last timeperiod bars weighted by where each closed, as a share of that volume.",
    formula: "sum(volume * ((close-low) - (high-close)) / (high-low)) / sum(volume) over n bars, 0 without volume",
    source: "TA-Lib 0.8.2 TA_CMF",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[Param::period("timeperiod", 20.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "-1..1; above 0 bars closed in their upper halves")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<MoneyFlow, 4, 1>,
    stream: Some(streaming::<MoneyFlow, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct MoneyFlow<N = f64> {
    flow: Sum<N>,
    volume: Sum<N>,
}

impl<N: Number> Windows<N, 4, 1> for MoneyFlow<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { flow: Sum::new(period), volume: Sum::new(period) })
    }

    #[inline(always)]
    fn next(&mut self, bar: [N; 4]) -> Option<[N; 1]> {
        let ([.., volume], zero) = (bar, N::splat(0.0));
        let (flow, volume) = self.flow.next(money_flow(bar)).zip(self.volume.next(volume))?;
        Some([N::if_above(volume, zero, flow / volume, zero)])
    }
}

impl Blocks<4, 1> for MoneyFlow {
    type Over<N: Number> = MoneyFlow<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_share_of_volume_that_flowed_in() {
        let (high, low, close, volume) = ([4.0; 4], [0.0; 4], [4.0, 1.0, 2.0, 2.0], [10.0, 10.0, 0.0, 0.0]);
        let out = SPEC.compute_vec(&[&high, &low, &close, &volume], &[2.0]).unwrap_or_default().concat();
        // flows 10, -5, 0, 0
        assert_eq!(out.get(1..), Some(&[0.25, -0.5, 0.0][..]));
    }
}
