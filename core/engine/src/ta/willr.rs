//! Williams' %R. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, nearly_equal, streaming};

/// WILLR.
pub const SPEC: Spec = Spec {
    name: "WILLR",
    group: "Momentum Indicators",
    doc: "Williams' %R: how far the close is below the highest high, in percent of the high-low range.",
    formula: "-100 * (HH(n) - close) / (HH(n) - LL(n)), 0 if HH = LL",
    source: "TA-Lib 0.8.2 TA_WILLR",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of the high-low window")],
    outputs: &[Output::float("real", "-100..0; above -20 is commonly called overbought, below -80 oversold")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<WilliamsRange, 3, 1>,
    stream: Some(streaming::<WilliamsRange, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct WilliamsRange {
    highest: Extreme,
    lowest: Extreme,
}

impl State<3, 1> for WilliamsRange {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { highest: Extreme::highest(period), lowest: Extreme::lowest(period) })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 1]> {
        let (highest, lowest) = (self.highest.next(high), self.lowest.next(low));
        let (highest, lowest) = highest.zip(lowest)?;
        let still = nearly_equal(highest, lowest);
        Some([if still { 0.0 } else { (highest - close) / ((highest - lowest) / -100.0) }])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_minus_the_distance_from_the_high() {
        let (high, low, close) = ([4.0, 5.0, 5.0], [0.0, 1.0, 1.0], [2.0, 4.0, 1.0]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[-20.0, -100.0][..]));
    }
}
