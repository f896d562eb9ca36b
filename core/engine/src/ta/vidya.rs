//! Variable index dynamic average. O(n), recursive.

use serde::{Deserialize, Serialize};

use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, ratio_or_zero, streaming};

/// VIDYA.
pub const SPEC: Spec = Spec {
    name: "VIDYA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Variable index dynamic average: an EMA whose weight is scaled by |CMO|, so it stands still in a sideways market. CMO from plain sums as Chande's (TA-Lib's CMO is Wilder-smoothed); the average begins at the bar before the first CMO, as MetaTrader's iVIDyA does; libraries that begin at 0 need hundreds of bars.",
    formula: "CMO = (up - down)/(up + down) of the last cmo_period changes, 0 if nothing moved; a = 2/(n+1)*|CMO|; VIDYA[i] = a*x[i] + (1-a)*VIDYA[i-1]",
    source: "Tushar Chande and Stanley Kroll, The New Technical Trader, 1994; Chande, Technical Analysis of Stocks and Commodities, 1992",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 12.0, 1.0, "bars of the EMA"),
        Param::period("cmo_period", 9.0, 1.0, "changes the CMO looks at"),
    ],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| params.int(1),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<VariableAverage, 1, 1>,
    stream: Some(streaming::<VariableAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct VariableAverage {
    previous: Option<f64>,
    up: Sum,
    down: Sum,
    weight: f64,
    average: Option<f64>,
}

impl State<1, 1> for VariableAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (weight, changes) = (2.0 / (float(params.int(0)?) + 1.0), params.int(1)?);
        Ok(Self { previous: None, up: Sum::new(changes), down: Sum::new(changes), weight, average: None })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let previous = self.previous.replace(value)?;
        let change = value - previous;
        let (up, down) = if change < 0.0 { (0.0, -change) } else { (change, 0.0) };
        let (up, down) = self.up.next(up).zip(self.down.next(down))?;
        let index = ratio_or_zero((up - down).abs(), up + down);
        let average = self.average.unwrap_or(previous);
        let average = average + (value - average) * (self.weight * index);
        self.average = Some(average);
        Some([average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn follows_a_trend_and_stands_still_sideways() {
        // weight 2/4; CMO over 2 changes: +1 +1: 1; +1 -1: 0; -1 -3: 1
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 2.0, -1.0]], &[3.0, 2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // begins at 2: 2 + (3-2)/2 = 2.5; still 2.5; 2.5 + (-1-2.5)/2 = 0.75
        assert_eq!(out.get(2..), Some(&[2.5, 2.5, 0.75][..]));
    }
}
