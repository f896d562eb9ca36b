//! True range. O(n).

use serde::{Deserialize, Serialize};

use super::kit::ranges::TrueRange;
use super::kit::{Input, Memory, Output, Params, Seed, Spec, State, TaError, batch, streaming};

/// TRANGE.
pub const SPEC: Spec = Spec {
    name: "TRANGE",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "True range: how far a bar moved, the gap from the last close included.",
    formula: "max(high - low, |high - close[-1]|, |low - close[-1]|)",
    source: "TA-Lib 0.8.2 TA_TRANGE; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &[Output::float("real", "range, in the price's unit")],
    lookback: |_| Ok(1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Range, 3, 1>,
    stream: Some(streaming::<Range, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Range {
    range: TrueRange,
}

impl State<3, 1> for Range {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { range: TrueRange::new(Seed::Talib) })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 1]> {
        self.range.next(high, low, close).map(|range| [range])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn counts_the_gap() {
        let (high, low, close) = ([2.0, 3.0, 9.0, 3.0], [1.0, 1.0, 8.0, 2.0], [1.5, 2.0, 8.5, 2.5]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[2.0, 7.0, 6.5][..]));
    }
}
