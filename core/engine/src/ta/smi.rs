//! Stochastic momentum index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::momentum::SmoothedTwice;
use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// SMI.
pub const SPEC: Spec = Spec {
    name: "SMI",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Stochastic momentum index: distance of the close from the middle of the range, both smoothed twice.",
    formula: "SMI = 100 * E(close - (HH + LL) / 2) / (E(HH - LL) / 2), E = EMA(EMA(., slow), fast), 0 if there was no range; smisignal = EMA(SMI, signal)",
    source: "TA-Lib 0.8.2 TA_SMI; W. Blau, Stocks & Commodities, January 1993",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("timeperiod", 13.0, 2.0, "bars of the high-low window"),
        Param::period("fastperiod", 2.0, 2.0, "bars of the second EMA"),
        Param::period("slowperiod", 25.0, 2.0, "bars of the first EMA"),
        Param::period("signalperiod", 9.0, 2.0, "bars of the signal's EMA"),
    ],
    outputs: &[
        Output::float("smi", "-100..100; beyond +-40 is commonly called overbought or oversold"),
        Output::float("smisignal", "smoothed smi; its crossing with smi is the usual trigger"),
    ],
    lookback: |params| Ok(params.int(0)? + params.int(1)? + params.int(2)? + params.int(3)? - 4),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<StochasticMomentum, 3, 2>,
    stream: Some(streaming::<StochasticMomentum, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct StochasticMomentum {
    highest: Extreme,
    lowest: Extreme,
    distance: SmoothedTwice,
    range: SmoothedTwice,
    signal: Ema,
}

impl State<3, 2> for StochasticMomentum {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (period, seed) = (params.int(0)?, params.seed());
        let smoothed = SmoothedTwice::new(params.int(2)?, params.int(1)?, seed);
        Ok(Self {
            highest: Extreme::highest(period),
            lowest: Extreme::lowest(period),
            distance: smoothed.clone(),
            range: smoothed,
            signal: Ema::new(params.int(3)?, seed),
        })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 2]> {
        let (highest, lowest) = (self.highest.next(high), self.lowest.next(low));
        let (highest, lowest) = highest.zip(lowest)?;
        let distance = self.distance.next(close - (highest + lowest) * 0.5);
        let (distance, range) = distance.zip(self.range.next(highest - lowest))?;
        let half = range * 0.5;
        let place = if half > 0.0 { 100.0 * distance / half } else { 0.0 };
        self.signal.next(place).map(|signal| [place, signal])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_a_hundred_at_the_top_of_the_range_and_zero_without_one() {
        let real: Vec<f64> = (0..8).map(f64::from).collect();
        let outputs = SPEC.compute_vec(&[&real, &real, &real], &[3.0, 2.0, 2.0, 2.0]).unwrap_or_default();
        for output in &outputs {
            assert!(output.iter().take(5).all(|value| value.is_nan()));
            assert!(output.iter().skip(5).all(|value| (value - 100.0).abs() < 1e-9), "{output:?}");
        }
        let dead = [5.0; 8];
        let outputs = SPEC.compute_vec(&[&dead, &dead, &dead], &[3.0, 2.0, 2.0, 2.0]).unwrap_or_default();
        assert!(outputs.iter().all(|output| output.get(5..) == Some(&[0.0; 3][..])), "{outputs:?}");
    }
}
