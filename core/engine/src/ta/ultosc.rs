//! Ultimate oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::ranges::true_range;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// ULTOSC.
pub const SPEC: Spec = Spec {
    name: "ULTOSC",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Ultimate oscillator: buying pressure as a share of the true range over three windows, the shortest weighing most.",
    formula: "A(n) = sum(close - min(low, C), n) / sum(true range, n), 0 if the range is 0, C the close before; 100 * (4*A(short) + 2*A(middle) + A(long)) / 7",
    source: "TA-Lib 0.8.2 TA_ULTOSC (the periods are put in order); L. Williams, Stocks & Commodities, 1985",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("timeperiod1", 7.0, 1.0, "bars of one window"),
        Param::period("timeperiod2", 14.0, 1.0, "bars of another window"),
        Param::period("timeperiod3", 28.0, 1.0, "bars of the third window"),
    ],
    outputs: &[Output::float("real", "0..100; above 70 is commonly called overbought, below 30 oversold")],
    lookback: |params| periods(params).map(|[_, _, longest]| longest),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Ultimate, 3, 1>,
    stream: Some(streaming::<Ultimate, 3, 1>),
};

/// The periods from the shortest to the longest.
fn periods(params: &Params) -> Result<[usize; 3], TaError> {
    let mut periods = [params.int(0)?, params.int(1)?, params.int(2)?];
    periods.sort_unstable();
    Ok(periods)
}

/// Buying pressure and range over one window.
#[derive(Clone, Serialize, Deserialize)]
struct Pressure {
    buying: Sum,
    range: Sum,
}

impl Pressure {
    fn new(period: usize) -> Self {
        Self { buying: Sum::new(period), range: Sum::new(period) }
    }

    fn next(&mut self, buying: f64, range: f64) -> Option<f64> {
        let (buying, range) = self.buying.next(buying).zip(self.range.next(range))?;
        Some(ratio_or_zero(buying, range))
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Ultimate {
    close: Option<f64>,
    windows: [Pressure; 3],
}

impl State<3, 1> for Ultimate {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { close: None, windows: periods(params)?.map(Pressure::new) })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 1]> {
        let previous = self.close.replace(close)?;
        let buying = close - if previous < low { previous } else { low };
        let range = true_range(high, low, previous);
        let [short, middle, long] = self.windows.each_mut().map(|window| window.next(buying, range));
        Some([100.0 * ((4.0 * short? + 2.0 * middle? + long?) / 7.0)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn the_shortest_window_weighs_most_whatever_the_order() {
        let (high, low, close) = ([2.0, 4.0, 4.0], [0.0, 2.0, 2.0], [1.0, 3.0, 2.0]);
        for periods in [[1.0, 1.0, 2.0], [2.0, 1.0, 1.0]] {
            let out = SPEC.compute_vec(&[&high, &low, &close], &periods).unwrap_or_default().concat();
            assert!(out.iter().take(2).all(|value| value.is_nan()));
            // buying 2, 0; range 3, 2: (4 * 0 + 2 * 0 + 2/5) / 7
            assert!(out.get(2).is_some_and(|value| (value - 40.0 / 7.0).abs() < 1e-12), "{out:?}");
        }
    }
}
