//! Volume-weighted moving average. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// VWMA.
pub const SPEC: Spec = Spec {
    name: "VWMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Volume-weighted moving average: what a traded unit cost on average over the window.",
    formula: "VWMA[i] = sum(x * volume, n) / sum(volume, n); NaN where nothing was traded",
    source: "TA-Lib 0.8.2 TA_VWMA",
    inputs: &[Input::Real, Input::Volume],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window; 1 is the input itself")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<WeightedByVolume, 2, 1>,
    stream: Some(streaming::<WeightedByVolume, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct WeightedByVolume<N = f64> {
    /// None with a period of 1: the price counts whatever was traded.
    sums: Option<(Sum<N>, Sum<N>)>,
}

impl<N: Number> Windows<N, 2, 1> for WeightedByVolume<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { sums: (period > 1).then(|| (Sum::new(period), Sum::new(period))) })
    }

    #[inline(always)]
    fn next(&mut self, [value, volume]: [N; 2]) -> Option<[N; 1]> {
        let Some((turnover, traded)) = &mut self.sums else { return Some([value]) };
        let (turnover, traded) = (turnover.next(value * volume), traded.next(volume));
        turnover.zip(traded).map(|(turnover, traded)| [turnover / traded])
    }
}

impl Blocks<2, 1> for WeightedByVolume {
    type Over<N: Number> = WeightedByVolume<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn counts_every_traded_unit() {
        let (price, volume) = ([1.0, 4.0, 7.0, 9.0, 9.0], [2.0, 1.0, 0.0, 0.0, 3.0]);
        let out = SPEC.compute_vec(&[&price, &volume], &[2.0]).unwrap_or_default().concat();
        assert!(out.first().is_some_and(|value| value.is_nan()));
        assert_eq!(out.get(1..3), Some(&[2.0, 4.0][..]));
        assert!(out.get(3).is_some_and(|value| value.is_nan()), "nothing was traded");
        assert_eq!(out.get(4..), Some(&[9.0][..]));
        assert_eq!(SPEC.compute_vec(&[&price, &volume], &[1.0]).unwrap_or_default().concat(), price);
    }
}
