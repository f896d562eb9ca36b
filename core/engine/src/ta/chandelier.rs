//! Chandelier exit. O(n) amortised, recursive.

use serde::{Deserialize, Serialize};

use super::kit::average_range::AverageRange;
use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// CHANDELIER.
pub const SPEC: Spec = Spec {
    name: "CHANDELIER",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "Chandelier exit: stops that hang multiplier average ranges from the highest high and the lowest low. From highs and lows and without a ratchet, as LeBeau's and StockCharts'; some TradingView scripts take closes and let a stop only tighten.",
    formula: "long = max(high, n) - multiplier*ATR(n); short = min(low, n) + multiplier*ATR(n); ATR Wilder-smoothed",
    source: "Charles LeBeau; Alexander Elder, Come Into My Trading Room, 2002",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("timeperiod", 22.0, 1.0, "bars of the extremes and of the ATR"),
        Param::real("multiplier", 3.0, 0.0, "average ranges"),
    ],
    outputs: &[
        Output::float("long", "stop of a long position, below the highest high"),
        Output::float("short", "stop of a short position, above the lowest low"),
    ],
    lookback: |params| Ok(AverageRange::lookback(params.int(0)?, params)),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Chandelier, 3, 2>,
    stream: Some(streaming::<Chandelier, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Chandelier {
    highest: Extreme,
    lowest: Extreme,
    range: AverageRange,
    multiplier: f64,
}

impl State<3, 2> for Chandelier {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        let (highest, lowest) = (Extreme::highest(period), Extreme::lowest(period));
        Ok(Self { highest, lowest, range: AverageRange::new(period, params.seed()), multiplier: params.real(1)? })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 2]> {
        let extremes = self.highest.next(high).zip(self.lowest.next(low));
        let (range, (highest, lowest)) = self.range.next(high, low, close).zip(extremes)?;
        Some([highest - self.multiplier * range, lowest + self.multiplier * range])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn hangs_from_the_extremes() {
        let (high, low, close) = ([5.0, 7.0, 6.0], [3.0, 4.0, 5.0], [4.0, 6.0, 5.5]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0, 2.0]).unwrap_or_default();
        // true ranges 3, 1: mean 2; highest 7, lowest 4
        assert_eq!(outputs.first().and_then(|long| long.get(2)), Some(&3.0));
        assert_eq!(outputs.get(1).and_then(|short| short.get(2)), Some(&8.0));
        assert!(outputs.iter().all(|output| output.iter().take(2).all(|value| value.is_nan())));
    }
}
