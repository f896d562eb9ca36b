//! Keltner channel. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::ranges::TrueRange;
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, batch, streaming};

/// KC.
pub const SPEC: Spec = Spec {
    name: "KC",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Keltner channel: an EMA of the typical price and bands a multiple of the average true range off it.",
    formula: "middle = EMA((high+low+close)/3, n); upper, lower = middle +- nbdev * ATR(atrperiod)",
    source: "TA-Lib 0.8.2 TA_KC (EMA and ATR have their first value at one bar); Chester Keltner, How to Make Money in \
             Commodities, 1960",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("timeperiod", 20.0, 2.0, "bars of the EMA"),
        Param::period("atrperiod", 10.0, 1.0, "bars of the average true range"),
        Param::real("nbdev", 2.0, f64::NEG_INFINITY, "average true ranges between middle and band"),
    ],
    outputs: &[
        Output::float("upperband", "middle plus nbdev ranges; closes above it show strength"),
        Output::float("middleband", "EMA of the typical price"),
        Output::float("lowerband", "middle minus nbdev ranges; closes below it show weakness"),
    ],
    lookback: |params| lookbacks(params).map(|(middle, range)| middle.max(range)),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Channel, 3, 3>,
    stream: Some(streaming::<Channel, 3, 3>),
};

/// Bars before the first EMA, and before the first ATR: `TradingView` has a range on the first bar already.
fn lookbacks(params: &Params) -> Result<(usize, usize), TaError> {
    Ok((params.int(0)? - 1, params.int(1)? - usize::from(params.seed() == Seed::TradingView)))
}

#[derive(Clone, Serialize, Deserialize)]
struct Channel {
    middle: Ema,
    /// Bars that the shorter of the two leaves out so that both begin on one bar, as in TA-Lib.
    middle_skips: usize,
    range_skips: usize,
    range: TrueRange,
    average_range: Ema,
    multiple: f64,
}

impl State<3, 3> for Channel {
    fn new(params: &Params) -> Result<Self, TaError> {
        let seed = params.seed();
        let (middle, range) = lookbacks(params)?;
        // A first-value seed begins with the first bar, so there is nothing to leave out.
        let later = if seed == Seed::Talib { middle.max(range) } else { 0 };
        Ok(Self {
            middle: Ema::new(params.int(0)?, seed),
            middle_skips: later.saturating_sub(middle),
            range_skips: later.saturating_sub(range),
            range: TrueRange::new(seed),
            average_range: Ema::wilder(params.int(1)?),
            multiple: params.real(2)?,
        })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 3]> {
        let typical = (high + low + close) / 3.0;
        let middle = if self.middle_skips > 0 { None } else { self.middle.next(typical) };
        let range = if self.range_skips > 0 { None } else { self.range.next(high, low, close) };
        let range = range.and_then(|range| self.average_range.next(range));
        self.middle_skips = self.middle_skips.saturating_sub(1);
        self.range_skips = self.range_skips.saturating_sub(1);
        let (middle, range) = middle.zip(range)?;
        let distance = range * self.multiple;
        Some([middle + distance, middle, middle - distance])
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{Policy, Seed};
    use super::SPEC;

    #[test]
    fn bands_stand_a_multiple_of_the_range_off_the_typical_price() {
        let (high, low, close) = ([6.0; 4], [2.0; 4], [4.0; 4]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0, 3.0, 1.5]).unwrap_or_default();
        assert!(outputs.iter().all(|output| output.iter().take(3).all(|value| value.is_nan())));
        let last: Vec<f64> = outputs.iter().filter_map(|output| output.last().copied()).collect();
        assert_eq!(last, [10.0, 4.0, -2.0]);
    }

    #[test]
    fn tradingview_begins_with_the_first_bar() {
        // Typical prices 9, 3, 3; ranges 6 (the first bar's own), 8, 2.
        let (high, low, close) = ([12.0, 4.0, 4.0], [6.0, 2.0, 2.0], [9.0, 3.0, 3.0]);
        let mut outputs = vec![vec![0.0; 3]; 3];
        let mut views: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        let policy = Policy { seed: Seed::TradingView, ..Policy::default() };
        let done = SPEC.compute(&[&high, &low, &close], &[2.0, 2.0, 1.0], policy, &mut views);
        assert_eq!(done, Ok(()));
        assert!(outputs.iter().all(|output| output.first().is_some_and(|value| value.is_nan())));
        // EMA 9 - 6 * 2/3 = 5, then 5 - 2 * 2/3; ranges 6.5 (the gap from 9 to 2 is 7), then 4.25.
        let expected = [[11.5, 5.0, -1.5], [3.0 + 2.0 / 3.0 + 4.25, 3.0 + 2.0 / 3.0, 3.0 + 2.0 / 3.0 - 4.25]];
        for (bar, expected) in (1..).zip(expected) {
            for (output, expected) in outputs.iter().zip(expected) {
                assert!(output.get(bar).is_some_and(|value| (value - expected).abs() < 1e-12), "{outputs:?}");
            }
        }
    }

    #[test]
    fn the_shorter_average_leaves_out_what_the_longer_one_needs() {
        let price = [3.0, 6.0, 12.0];
        let outputs = SPEC.compute_vec(&[&price, &price, &price], &[2.0, 2.0, 2.0]).unwrap_or_default();
        let last: Vec<f64> = outputs.iter().filter_map(|output| output.last().copied()).collect();
        // Ranges 3 and 6; the EMA begins with the mean of 6 and 12.
        assert_eq!(last, [18.0, 9.0, 0.0]);
    }
}
