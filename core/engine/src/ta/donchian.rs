//! Donchian channel. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::{Maximum, Minimum};
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// DONCHIAN.
pub const SPEC: Spec = Spec {
    name: "DONCHIAN",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Donchian channel: the highest high and the lowest low of the window, this bar included, and their middle.",
    formula: "upper = max(high, n); lower = min(low, n); middle = (upper + lower) / 2",
    source: "TA-Lib 0.8.2 TA_DONCHIAN; Richard Donchian",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 20.0, 2.0, "bars in the window")],
    outputs: &[
        Output::float("upperband", "highest high; a bar that touches it made a new high"),
        Output::float("middleband", "half way between the two"),
        Output::float("lowerband", "lowest low; a bar that touches it made a new low"),
    ],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Channel, 2, 3>,
    stream: Some(streaming::<Channel, 2, 3>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Channel<N = f64> {
    highest: Maximum<N>,
    lowest: Minimum<N>,
}

impl<N: Number> Windows<N, 2, 3> for Channel<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { highest: Maximum::new(period), lowest: Minimum::new(period) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low]: [N; 2]) -> Option<[N; 3]> {
        let (highest, lowest) = (self.highest.next(high), self.lowest.next(low));
        highest.zip(lowest).map(|(highest, lowest)| [highest, (highest + lowest) * N::splat(0.5), lowest])
    }
}

impl Blocks<2, 3> for Channel {
    type Over<N: Number> = Channel<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn holds_the_window() {
        let outputs = SPEC.compute_vec(&[&[4.0, 9.0, 5.0], &[2.0, 3.0, 1.0]], &[2.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(1..).unwrap_or_default()).collect();
        assert!(outputs.iter().all(|output| output.first().is_some_and(|value| value.is_nan())));
        assert_eq!(tails, [[9.0, 9.0], [5.5, 5.0], [2.0, 1.0]]);
    }
}
