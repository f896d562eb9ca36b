//! Average true range. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::ranges::TrueRange;
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, batch, streaming};

/// ATR.
pub const SPEC: Spec = Spec {
    name: "ATR",
    group: "Volatility Indicators",
    doc: "Average true range, Wilder-smoothed; how far a bar usually moves, gaps included.",
    formula: "TR = max(high-low, |high-close[-1]|, |low-close[-1]|); ATR[i] = (ATR[i-1]*(n-1) + TR[i]) / n",
    source: "TA-Lib 0.8.2 TA_ATR; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars of Wilder smoothing; 1 is the true range itself")],
    outputs: &[Output::float("real", "range, in the price's unit")],
    // TradingView has a range on the first bar already.
    lookback: |params| Ok(params.int(0)? - usize::from(params.seed() == Seed::TradingView)),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<AverageRange, 3, 1>,
    stream: Some(streaming::<AverageRange, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AverageRange {
    range: TrueRange,
    average: Ema,
}

impl State<3, 1> for AverageRange {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { range: TrueRange::new(params.seed()), average: Ema::wilder(params.int(0)?) })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 1]> {
        let range = self.range.next(high, low, close)?;
        self.average.next(range).map(|average| [average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn counts_the_gap() {
        let (high, low, close) = ([2.0, 3.0, 9.0, 9.0], [1.0, 1.0, 8.0, 8.0], [1.5, 2.0, 8.5, 8.5]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // true ranges 2, 7, 1
        assert_eq!(out.get(2..), Some(&[4.5, 2.75][..]));
    }
}
