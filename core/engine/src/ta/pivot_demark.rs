//! DeMark's pivot points from the bar before. O(n).

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// `PIVOT_DEMARK`.
pub const SPEC: Spec = Spec {
    name: "PIVOT_DEMARK",
    group: "Overlap Studies",
    self_checking: false,
    doc: "DeMark's projected range: one level on either side, weighted to where the bar before closed. Levels for this bar, known when the bar before has closed; give daily bars for a day trader's pivots. As on TradingView ('DM').",
    formula: "of the bar before: X = high+2*low+close if close < open, 2*high+low+close if close > open, high+low+2*close if equal; P = X/4; r1 = X/2-low; s1 = X/2-high",
    source: "Thomas DeMark, The New Science of Technical Analysis, 1994; convention: TradingView, Pivot Points Standard",
    inputs: &[Input::Open, Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &[
        Output::float("pivot", "the level the others stand around"),
        Output::float("r1", "projected high"),
        Output::float("s1", "projected low"),
    ],
    lookback: |_| Ok(1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Projection, 4, 3>,
    stream: Some(streaming::<Projection, 4, 3>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Projection {
    previous: Option<[f64; 4]>,
}

impl State<4, 3> for Projection {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None })
    }

    fn next(&mut self, bar: [f64; 4]) -> Option<[f64; 3]> {
        let [open, high, low, close] = self.previous.replace(bar)?;
        let favoured = match close.partial_cmp(&open) {
            Some(Ordering::Less) => low,
            Some(Ordering::Greater) => high,
            _ => close,
        };
        let weighted = high + low + close + favoured;
        Some([weighted / 4.0, weighted / 2.0 - low, weighted / 2.0 - high])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn leans_to_where_the_bar_closed() {
        let levels = |open: f64| {
            let inputs = [&[open, 1.0][..], &[12.0, 1.0], &[6.0, 1.0], &[9.0, 1.0]];
            SPEC.compute_vec(&inputs, &[]).unwrap_or_default().iter().filter_map(|out| out.get(1).copied()).collect()
        };
        let (fell, rose, stood): (Vec<f64>, Vec<f64>, Vec<f64>) = (levels(10.0), levels(8.0), levels(9.0));
        // X = 33, 39, 36
        assert_eq!(fell, [8.25, 10.5, 4.5]);
        assert_eq!(rose, [9.75, 13.5, 7.5]);
        assert_eq!(stood, [9.0, 12.0, 6.0]);
    }
}
