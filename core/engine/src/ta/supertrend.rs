//! SuperTrend. O(n), one pass, depends on the whole path.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Recursion, Recursive, forgets, recursive};
use super::kit::ranges::{TrueRange, true_range};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, float, streaming};

/// SUPERTREND.
pub const SPEC: Spec = Spec {
    name: "SUPERTREND",
    group: "Overlap Studies",
    self_checking: true,
    doc: "SuperTrend: a band a multiple of the average true range off the price, which changes sides when closed through.",
    formula: "bands = (high+low)/2 +- multiplier * ATR(n), each moving only towards the price until a close is beyond it; \
              the lower one in an up-trend, the upper one after a close below it",
    source: "TA-Lib 0.8.2 TA_SUPERTREND; Olivier Seban",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("timeperiod", 10.0, 2.0, "bars of the average true range"),
        Param::real("multiplier", 3.0, 0.0, "average true ranges between price and band"),
    ],
    outputs: &[
        Output::float("supertrend", "price of the band; a close through it ends the trend"),
        Output::whole("trend", "1 up, -1 down, 0 where there is no value yet"),
    ],
    // TradingView has a range on the first bar already.
    lookback: |params| Ok(params.int(0)? - usize::from(params.seed() == Seed::TradingView)),
    memory: Memory::History,
    seeded: true,
    kernel: recursive::<SuperTrend, 3, 5, 2>,
    stream: Some(streaming::<SuperTrend, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct SuperTrend {
    range: TrueRange,
    average_range: AverageRange,
    multiplier: f64,
    bands: Option<Bands>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Bands {
    upper: f64,
    lower: f64,
    close: f64,
    up: bool,
}

/// Wilder's average to TA-Lib's bits: a close may lie exactly on a band, and the last bit says on which side.
#[derive(Clone, Serialize, Deserialize)]
struct AverageRange {
    average: f64,
    seen: usize,
    period: usize,
}

impl AverageRange {
    /// The share of the average that stays.
    fn kept(&self) -> f64 {
        float(self.period - 1) / float(self.period)
    }

    fn next(&mut self, range: f64) -> Option<f64> {
        if self.seen < self.period {
            self.seen += 1;
            self.average += range;
            if self.seen < self.period {
                return None;
            }
            self.average /= float(self.period);
        } else {
            let kept = self.kept();
            self.average = self.average.mul_add(kept, range * (1.0 - kept));
        }
        Some(self.average)
    }
}

impl State<3, 2> for SuperTrend {
    fn new(params: &Params) -> Result<Self, TaError> {
        let average_range = AverageRange { average: 0.0, seen: 0, period: params.int(0)? };
        Ok(Self { range: TrueRange::new(params.seed()), average_range, multiplier: params.real(1)?, bands: None })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 2]> {
        let range = self.range.next(high, low, close)?;
        let distance = self.multiplier * self.average_range.next(range)?;
        let middle = (high + low) / 2.0;
        let (mut upper, mut lower, mut up) = (middle + distance, middle - distance, true);
        if let Some(old) = self.bands {
            // A band lets go of its old place only for one nearer to the price, or after a close beyond it.
            if !(upper < old.upper || old.close > old.upper) {
                upper = old.upper;
            }
            if !(lower > old.lower || old.close < old.lower) {
                lower = old.lower;
            }
            up = if old.up { close >= lower } else { close > upper };
        }
        self.bands = Some(Bands { upper, lower, close, up });
        Some(if up { [lower, 1.0] } else { [upper, -1.0] })
    }
}

impl Recursive<3, 5, 2> for SuperTrend {
    fn recursion(&self) -> Option<(impl Recursion<3, 5, 2>, [f64; 5])> {
        let Bands { upper, lower, close, up } = self.bands?;
        let step = Trail { kept: self.average_range.kept(), multiplier: self.multiplier };
        Some((step, [close, self.average_range.average, upper, lower, f64::from(u8::from(up))]))
    }
}

#[derive(Clone, Copy)]
struct Trail {
    kept: f64,
    multiplier: f64,
}

impl Recursion<3, 5, 2> for Trail {
    #[inline(always)]
    fn step<N: Number>(&self, state: &mut [N; 5], [high, low, close]: [N; 3]) -> [N; 2] {
        let [old_close, average, old_upper, old_lower, was_up] = *state;
        let (zero, one) = (N::splat(0.0), N::splat(1.0));
        let range = true_range(high, low, old_close);
        let average = average.fused(N::splat(self.kept), range * N::splat(1.0 - self.kept));
        let (distance, middle) = (N::splat(self.multiplier) * average, (high + low) * N::splat(0.5));
        let (upper, lower) = (middle + distance, middle - distance);
        // A band lets go of its old place only for one nearer to the price, or after a close beyond it.
        let kept_upper = N::if_above(old_close, old_upper, upper, old_upper);
        let upper = N::if_above(old_upper, upper, upper, kept_upper);
        let kept_lower = N::if_above(old_lower, old_close, lower, old_lower);
        let lower = N::if_above(lower, old_lower, lower, kept_lower);
        let stays_up = N::if_at_least(close, lower, one, zero);
        let up = N::if_above(was_up, zero, stays_up, N::if_above(close, upper, one, zero));
        *state = [close, average, upper, lower, up];
        [N::if_above(up, zero, lower, upper), N::if_above(up, zero, one, zero - one)]
    }

    fn memory(&self) -> usize {
        // The average of the range, and some changes of the trend.
        forgets(1.0 - self.kept) + 512
    }

    fn guess(&self, [high, low, close]: [f64; 3]) -> [f64; 5] {
        [close, high - low, high, low, 1.0]
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{Policy, Seed};
    use super::SPEC;

    #[test]
    fn changes_sides_when_closed_through() {
        let close = [10.0, 10.0, 10.0, 4.0, 4.0, 14.0];
        let (high, low) = (close.map(|price| price + 1.0), close.map(|price| price - 1.0));
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0, 1.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(2..).unwrap_or_default()).collect();
        // True ranges 2, 2, 7, 2, 11; averages 2, 4.5, 3.25, 7.125. The lower band 8 is closed through; the upper one,
        // 8.5 then, comes down to 7.25 and is closed through by 14: the lower one then is the highest since.
        assert_eq!(tails, [[8.0, 8.5, 7.25, 6.875], [1.0, -1.0, -1.0, 1.0]]);
    }

    #[test]
    fn tradingview_has_a_range_on_the_first_bar() {
        let (high, low, close) = ([12.0, 11.0, 30.0], [8.0, 9.0, 28.0], [10.0, 10.0, 29.0]);
        let mut outputs = vec![vec![0.0; 3]; 2];
        let mut views: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        let policy = Policy { seed: Seed::TradingView, ..Policy::default() };
        assert_eq!(SPEC.compute(&[&high, &low, &close], &[2.0, 1.0], policy, &mut views), Ok(()));
        // Ranges 4, 2, 20; averages 3, 11.5: the lower band is 10 - 3, then 29 - 11.5.
        let tails: Vec<_> = outputs.iter().map(|output| output.get(1..).unwrap_or_default()).collect();
        assert_eq!(tails, [[7.0, 17.5], [1.0, 1.0]]);
        assert!(outputs.first().and_then(|output| output.first()).is_some_and(|value| value.is_nan()));
    }

    #[test]
    fn a_close_on_the_band_is_not_through_it() {
        let close = [10.0, 10.0, 10.0, 9.0, 8.0];
        let (high, low) = (close.map(|price| price + 1.0), close.map(|price| price - 1.0));
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0, 1.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(2..).unwrap_or_default()).collect();
        // The band stays at 8 while the price comes down to it.
        assert_eq!(tails, [[8.0; 3], [1.0; 3]]);
    }
}
