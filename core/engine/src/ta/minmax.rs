//! Lowest and highest value of a rolling window. O(n) for every period, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::{Maximum, Minimum};
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// MINMAX.
pub const SPEC: Spec = Spec {
    name: "MINMAX",
    group: "Math Operators",
    self_checking: true,
    doc: "Lowest and highest of the last timeperiod values.",
    formula: "min = min(x[i], ..., x[i-n+1]); max = max(x[i], ..., x[i-n+1])",
    source: "TA-Lib 0.8.2 TA_MINMAX (a window that holds a NaN is NaN here; TA-Lib can show an older value)",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[
        Output::float("min", "lowest value, in the input's unit"),
        Output::float("max", "highest value, in the input's unit"),
    ],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Bounds, 1, 2>,
    stream: Some(streaming::<Bounds, 1, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Bounds<N = f64> {
    highest: Maximum<N>,
    lowest: Minimum<N>,
}

impl<N: Number> Windows<N, 1, 2> for Bounds<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { highest: Maximum::new(period), lowest: Minimum::new(period) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 2]> {
        let (highest, lowest) = (self.highest.next(value), self.lowest.next(value));
        highest.zip(lowest).map(|(highest, lowest)| [lowest, highest])
    }
}

impl Blocks<1, 2> for Bounds {
    type Over<N: Number> = Bounds<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn follow_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 2.0, 3.0]], &[2.0]).unwrap_or_default();
        let after = |output: usize| out.get(output).and_then(|values| values.get(1..));
        assert_eq!((after(0), after(1)), (Some(&[1.0, 2.0, 2.0][..]), Some(&[4.0, 4.0, 3.0][..])));
    }
}
