//! Acceleration bands. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, nearly_equal, streaming};

/// ACCBANDS.
pub const SPEC: Spec = Spec {
    name: "ACCBANDS",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Acceleration bands: averages of the highs and lows, widened by how long the bars are for their price.",
    formula: "r = 4 * (high-low) / (high+low), 0 if high+low = 0; upper = SMA(high*(1+r), n); middle = SMA(close, n); \
              lower = SMA(low*(1-r), n)",
    source: "TA-Lib 0.8.2 TA_ACCBANDS; Price Headley, Big Trends in Trading, 2002",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 20.0, 2.0, "bars in the window")],
    outputs: &[
        Output::float("upperband", "closes above it are called acceleration"),
        Output::float("middleband", "average close"),
        Output::float("lowerband", "closes below it are called acceleration downward"),
    ],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Bands, 3, 3>,
    stream: Some(streaming::<Bands, 3, 3>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Bands {
    upper: Sma,
    middle: Sma,
    lower: Sma,
}

impl State<3, 3> for Bands {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { upper: Sma::new(period), middle: Sma::new(period), lower: Sma::new(period) })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 3]> {
        let ratio = if nearly_equal(high, -low) { 0.0 } else { 4.0 * (high - low) / (high + low) };
        let (upper, lower) = (self.upper.next(high * (1.0 + ratio)), self.lower.next(low * (1.0 - ratio)));
        let middle = self.middle.next(close);
        Some([upper?, middle?, lower?])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn widen_with_the_length_of_the_bars() {
        let (high, low, close) = ([5.0, 8.0], [3.0, 8.0], [4.0, 8.0]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default();
        let last: Vec<f64> = outputs.iter().filter_map(|output| output.last().copied()).collect();
        // The first bar counts as 10 and 0 (ratio 1), the second, without length, as 8 and 8.
        assert_eq!(last, [9.0, 6.0, 4.0]);
    }

    #[test]
    fn bars_around_zero_are_taken_as_they_are() {
        let outputs = SPEC.compute_vec(&[&[1.0; 2], &[-1.0; 2], &[0.0; 2]], &[2.0]).unwrap_or_default();
        let last: Vec<f64> = outputs.iter().filter_map(|output| output.last().copied()).collect();
        assert_eq!(last, [1.0, 0.0, -1.0]);
    }
}
