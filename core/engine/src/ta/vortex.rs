//! Vortex. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::ranges::true_range;
use super::kit::simd::Number;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// VORTEX.
pub const SPEC: Spec = Spec {
    name: "VORTEX",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Vortex: how far highs get from the lows before them, and lows from the highs, in true ranges.",
    formula: "plusvi = sum(|high - low before|, n) / sum(true range, n); minusvi = sum(|low - high before|, n) / the same, 0 if it is 0",
    source: "TA-Lib 0.8.2 TA_VORTEX; E. Botes and D. Siepman, Stocks & Commodities, January 2010",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars in the window")],
    outputs: &[
        Output::float("plusvi", "around 1; above minusvi the market turns upward"),
        Output::float("minusvi", "around 1; above plusvi the market turns downward"),
    ],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Vortex, 3, 2>,
    stream: Some(streaming::<Vortex, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Vortex<N = f64> {
    previous: Option<[N; 3]>,
    up: Sum<N>,
    down: Sum<N>,
    range: Sum<N>,
}

impl<N: Number> Windows<N, 3, 2> for Vortex<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let sum = Sum::new(params.int(0)?);
        Ok(Self { previous: None, up: sum.clone(), down: sum.clone(), range: sum })
    }

    #[inline(always)]
    fn next(&mut self, [high, low, close]: [N; 3]) -> Option<[N; 2]> {
        let [old_high, old_low, old_close] = self.previous.replace([high, low, close])?;
        let (up, down) = (self.up.next((high - old_low).magnitude()), self.down.next((low - old_high).magnitude()));
        let range = self.range.next(true_range(high, low, old_close))?;
        up.zip(down).map(|(up, down)| [up.over_or_zero(range), down.over_or_zero(range)])
    }
}

impl Blocks<3, 2> for Vortex {
    type Over<N: Number> = Vortex<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_distance_to_the_other_side_of_the_bar_before() {
        let (high, low, close) = ([2.0, 4.0, 4.0], [0.0, 2.0, 2.0], [1.0, 3.0, 2.0]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default();
        let last: Vec<_> = outputs.iter().filter_map(|output| output.last().copied()).collect();
        // up 4 + 2, down 0 + 2, true ranges 3 + 2
        assert_eq!(last, [1.2, 0.4]);
        assert!(outputs.iter().all(|output| output.iter().take(2).all(|value| value.is_nan())));
    }
}
