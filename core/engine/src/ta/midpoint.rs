//! Middle of the highest and the lowest value. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::{Maximum, Minimum};
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// MIDPOINT.
pub const SPEC: Spec = Spec {
    name: "MIDPOINT",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Midpoint: half way between the highest and the lowest value of the window.",
    formula: "(max(x, n) + min(x, n)) / 2",
    source: "TA-Lib 0.8.2 TA_MIDPOINT",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "middle, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Middle, 1, 1>,
    stream: Some(streaming::<Middle, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Middle<N = f64> {
    highest: Maximum<N>,
    lowest: Minimum<N>,
}

impl<N: Number> Windows<N, 1, 1> for Middle<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { highest: Maximum::new(period), lowest: Minimum::new(period) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        let (highest, lowest) = (self.highest.next(value), self.lowest.next(value));
        highest.zip(lowest).map(|(highest, lowest)| [(highest + lowest) * N::splat(0.5)])
    }
}

impl Blocks<1, 1> for Middle {
    type Over<N: Number> = Middle<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn lies_between_the_extremes() {
        let out = SPEC.compute_vec(&[&[1.0, 5.0, 2.0, 3.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert_eq!(out.get(2..), Some(&[3.0, 3.5][..]));
    }
}
