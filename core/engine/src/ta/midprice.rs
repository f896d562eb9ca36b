//! Middle of the highest high and the lowest low. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::{Maximum, Minimum};
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// MIDPRICE.
pub const SPEC: Spec = Spec {
    name: "MIDPRICE",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Midprice: half way between the highest high and the lowest low of the window.",
    formula: "(max(high, n) + min(low, n)) / 2",
    source: "TA-Lib 0.8.2 TA_MIDPRICE",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "middle, in the price's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Middle, 2, 1>,
    stream: Some(streaming::<Middle, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Middle<N = f64> {
    highest: Maximum<N>,
    lowest: Minimum<N>,
}

impl<N: Number> Windows<N, 2, 1> for Middle<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { highest: Maximum::new(period), lowest: Minimum::new(period) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low]: [N; 2]) -> Option<[N; 1]> {
        let (highest, lowest) = (self.highest.next(high), self.lowest.next(low));
        highest.zip(lowest).map(|(highest, lowest)| [(highest + lowest) * N::splat(0.5)])
    }
}

impl Blocks<2, 1> for Middle {
    type Over<N: Number> = Middle<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn lies_between_the_extremes_of_the_bars() {
        let out = SPEC.compute_vec(&[&[4.0, 9.0, 5.0], &[2.0, 3.0, 1.0]], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(1).all(|value| value.is_nan()));
        assert_eq!(out.get(1..), Some(&[5.5, 5.0][..]));
    }
}
