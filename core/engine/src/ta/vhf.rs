//! Vertical horizontal filter. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::windows::{Extreme, Sum};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// VHF.
pub const SPEC: Spec = Spec {
    name: "VHF",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Vertical horizontal filter: the range of the last values as a share of the way they went; a trend's is large.",
    formula: "(max(x, n) - min(x, n)) / sum of the last n |x[k] - x[k-1]|, 0 if nothing moved",
    source: "TA-Lib 0.8.2 TA_VHF; A. White, Futures magazine, August 1991",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 28.0, 2.0, "values in the range, and changes in the way")],
    outputs: &[Output::float("real", "0..1; high in a trend, low in a market that goes sideways")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<TrendFilter, 1, 1>,
    stream: Some(streaming::<TrendFilter, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct TrendFilter {
    highest: Extreme,
    lowest: Extreme,
    previous: Option<f64>,
    way: Sum,
}

impl State<1, 1> for TrendFilter {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        let (highest, lowest) = (Extreme::highest(period), Extreme::lowest(period));
        Ok(Self { highest, lowest, previous: None, way: Sum::new(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let (highest, lowest) = (self.highest.next(value), self.lowest.next(value));
        let way = self.way.next((value - self.previous.replace(value)?).abs())?;
        highest.zip(lowest).map(|(highest, lowest)| [ratio_or_zero(highest - lowest, way)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_range_over_way() {
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 2.0, 1.0, 1.0, 1.0]], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // ranges of two values over the ways of two changes: 1/3, 1/2, 0/1, 0/0
        assert!(out.get(2).is_some_and(|value| (value - 1.0 / 3.0).abs() < 1e-12), "{out:?}");
        assert_eq!(out.get(3..), Some(&[0.5, 0.0, 0.0][..]));
    }
}
