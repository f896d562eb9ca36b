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

    /// Both sums.
    #[inline(always)]
    fn next(&mut self, buying: N, range: N) -> Option<(N, N)> {
        self.buying.next(buying).zip(self.range.next(range))
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
        // The longest window is the last one to fill.
        let (long, long_range) = self.long.next(buying, range)?;
        let ((short, short_range), (middle, middle_range)) = (short?, middle?);
        let (four, two) = (N::splat(4.0), N::splat(2.0));
        // Over one denominator, as one division takes longer than all the rest; where a window has no range, or the
        // product leaves that of floats, one by one.
        let (longer, shorter) = (middle_range * long_range, short_range * middle_range);
        let product = shorter * long_range;
        let mut sum = (four * short * longer + two * middle * (short_range * long_range) + long * shorter) / product;
        if !product.all_moderate() {
            let parts = four * short.over_or_zero(short_range) + two * middle.over_or_zero(middle_range);
            sum = N::if_moderate(product, sum, parts + long.over_or_zero(long_range));
        }
        Some([sum * N::splat(100.0 / 7.0)])
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
    use crate::ta::{Live, Seed, TaError};

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

    #[test]
    fn does_not_see_the_scale_and_a_dead_market_has_no_pressure() -> Result<(), TaError> {
        let price = |bar: u32, step: u32| 100.0 + f64::from((bar * step) % 31) / 8.0;
        // Each half of the series fills half the lanes: prices as they are, then so small that three ranges multiplied
        // are 0, in between a price that stands still.
        let scales = |bar: u32| if bar < 2000 { 1.0 } else { 1e-120 };
        let dead = |bar: u32| (1900..1990).contains(&bar);
        let column = |away: f64, step: u32| -> Vec<f64> {
            let value = |bar: u32| if dead(bar) { 100.0 } else { price(bar, step) + away };
            (0..4000).map(|bar| value(bar) * scales(bar)).collect()
        };
        let (high, low, close) = (column(9.0, 7919), column(-9.0, 104_729), column(0.0, 1299));
        let out = SPEC.compute_vec(&[&high, &low, &close], &[])?.concat();
        let mut live = Live::new(&SPEC, &[], Seed::Talib)?;
        for (bar, value) in out.iter().enumerate() {
            let row = [&high, &low, &close].map(|column| column.get(bar).copied().unwrap_or_default());
            let shown = live.update(&row)?.first().copied().unwrap_or_default();
            assert!(shown.to_bits() == value.to_bits() || (shown.is_nan() && value.is_nan()), "{bar}: {shown} {value}");
        }
        let raised = |column: &[f64]| -> Vec<f64> { column.iter().skip(2000).map(|value| value * 1e120).collect() };
        let plain = SPEC.compute_vec(&[&raised(&high), &raised(&low), &raised(&close)], &[])?.concat();
        let pairs: Vec<_> = plain.iter().zip(out.iter().skip(2000)).skip(28).collect();
        assert!(pairs.iter().all(|(plain, tiny)| (*plain - *tiny).abs() < 1e-9), "{:?}", pairs.first());
        assert!(out.iter().take(1990).skip(1940).all(|value| *value == 0.0));
        Ok(())
    }
}
