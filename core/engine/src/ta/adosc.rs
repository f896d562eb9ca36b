//! Chaikin oscillator. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::flows::money_flow;
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, batch, streaming};

/// ADOSC.
pub const SPEC: Spec = Spec {
    name: "ADOSC",
    group: "Volume Indicators",
    doc: "Chaikin's oscillator: a fast minus a slow EMA of the accumulation / distribution line.",
    formula: "EMA(AD, fast) - EMA(AD, slow)",
    source: "TA-Lib 0.8.2 TA_ADOSC (both EMAs begin with the first value, so there is no seed to choose)",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[
        Param::period("fastperiod", 3.0, 2.0, "bars of the first EMA"),
        Param::period("slowperiod", 10.0, 2.0, "bars of the second EMA, not swapped if shorter"),
    ],
    outputs: &[Output::float("real", "volume; above 0 money flows in faster than before")],
    lookback: |params| Ok(params.int(0)?.max(params.int(1)?) - 1),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<Oscillator, 4, 1>,
    stream: Some(streaming::<Oscillator, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Oscillator {
    total: f64,
    fast: Ema,
    slow: Ema,
}

impl State<4, 1> for Oscillator {
    fn new(params: &Params) -> Result<Self, TaError> {
        let average = |period| Ema::new(period, Seed::TradingView);
        Ok(Self { total: 0.0, fast: average(params.int(0)?), slow: average(params.int(1)?) })
    }

    fn next(&mut self, bar: [f64; 4]) -> Option<[f64; 1]> {
        self.total += money_flow(bar);
        let (fast, slow) = (self.fast.next(self.total), self.slow.next(self.total));
        fast.zip(slow).map(|(fast, slow)| [fast - slow])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn both_averages_begin_with_the_first_value() {
        // The line is 3, 6, 9: averages of 2 bars 3, 5, 23/3; of 3 bars 3, 4.5, 6.75.
        let (high, low, volume) = ([4.0; 3], [0.0; 3], [3.0; 3]);
        let out = SPEC.compute_vec(&[&high, &low, &high, &volume], &[2.0, 3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert!(out.last().is_some_and(|last| (last - (23.0 / 3.0 - 6.75)).abs() < 1e-14), "{out:?}");
    }
}
