//! Ultimate oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, common_multiple, windowed};
use super::kit::ranges::true_range;
use super::kit::simd::Number;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// ULTOSC.
pub const SPEC: Spec = Spec {
    name: "ULTOSC",
    group: "Momentum Indicators",
    self_checking: true,
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
    kernel: windowed::<Ultimate, 3, 1>,
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
struct Pressure<N> {
    buying: Sum<N>,
    range: Sum<N>,
}

impl<N: Number> Pressure<N> {
    #[inline(always)]
    fn new(period: usize) -> Self {
        Self { buying: Sum::new(period), range: Sum::new(period) }
    }

    #[inline(always)]
    fn next(&mut self, buying: N, range: N) -> Option<N> {
        let (buying, range) = self.buying.next(buying).zip(self.range.next(range))?;
        Some(buying.over_or_zero(range))
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Ultimate<N = f64> {
    close: Option<N>,
    short: Pressure<N>,
    middle: Pressure<N>,
    long: Pressure<N>,
}

impl<N: Number> Windows<N, 3, 1> for Ultimate<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        let [short, middle, long] = periods(params)?;
        let (short, middle, long) = (Pressure::new(short), Pressure::new(middle), Pressure::new(long));
        Ok(Self { close: None, short, middle, long })
    }

    #[inline(always)]
    fn next(&mut self, [high, low, close]: [N; 3]) -> Option<[N; 1]> {
        let previous = self.close.replace(close)?;
        let buying = close - low.smaller(previous);
        let range = true_range(high, low, previous);
        let (short, middle) = (self.short.next(buying, range), self.middle.next(buying, range));
        let long = self.long.next(buying, range)?;
        Some([(N::splat(4.0) * short? + N::splat(2.0) * middle? + long) * N::splat(100.0 / 7.0)])
    }
}

impl Blocks<3, 1> for Ultimate {
    type Over<N: Number> = Ultimate<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        let [short, middle, long] = periods(params)?;
        Ok(common_multiple(common_multiple(short, middle), long))
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
