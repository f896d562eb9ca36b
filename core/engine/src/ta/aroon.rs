//! Aroon. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::momentum::Freshness;
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// AROON.
pub const SPEC: Spec = Spec {
    name: "AROON",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Aroon: how fresh the lowest low and the highest high of the last bars are.",
    formula: "aroonup = 100 * (n - bars since the highest high of n+1 bars) / n, of equals the newest; aroondown with lows",
    source: "TA-Lib 0.8.2 TA_AROON; T. Chande, Stocks & Commodities, September 1995",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars back the window begins")],
    outputs: &[
        Output::float("aroondown", "0..100; 100 when the lowest low is today's"),
        Output::float("aroonup", "0..100; 100 when the highest high is today's"),
    ],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Aroon, 2, 2>,
    stream: Some(streaming::<Aroon, 2, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Aroon<N = f64> {
    freshness: Freshness<N>,
}

impl<N: Number> Windows<N, 2, 2> for Aroon<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { freshness: Freshness::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low]: [N; 2]) -> Option<[N; 2]> {
        self.freshness.next(high, low).map(|(down, up)| [down, up])
    }
}

impl Blocks<2, 2> for Aroon {
    type Over<N: Number> = Aroon<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        Ok(params.int(0)? + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_full_on_the_day_of_the_extreme_and_the_newest_of_equals_counts() {
        let (high, low) = ([9.0, 4.0, 9.0, 8.0], [1.0, 2.0, 3.0, 2.0]);
        let outputs = SPEC.compute_vec(&[&high, &low], &[2.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(2..).unwrap_or_default()).collect();
        assert_eq!(tails, [[0.0, 100.0], [100.0, 50.0]]);
    }
}
