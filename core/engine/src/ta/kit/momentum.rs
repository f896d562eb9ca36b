//! States that more than one momentum indicator is made of.

use serde::{Deserialize, Serialize};

use super::averages::{Average, Ema, Ma, Sma};
use super::ranges::Directional;
use super::simd::Number;
use super::windows::{Extreme, Maximum, Minimum};
use super::{Params, Seed, TaError, float, if_nearly_equal, ratio_or_zero};

/// Two averages of one series whose values are compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FastAndSlow {
    fast: Late,
    slow: Late,
}

impl FastAndSlow {
    /// Both begin with the first bar: APO and PPO. Of the two, each a kind and a period, the shorter is the fast one.
    pub(crate) fn new(one: (Average, usize), other: (Average, usize), seed: Seed) -> Result<Self, TaError> {
        let (fast, slow) = if other.1 < one.1 { (other, one) } else { (one, other) };
        let from_the_start = |(kind, period)| Ma::new(kind, period, seed).map(|average| Late { skip: 0, average });
        Ok(Self { fast: from_the_start(fast)?, slow: from_the_start(slow)? })
    }

    /// Both give their first value on one bar, as TA-Lib has it for MACD: the one with the shorter look-back leaves out
    /// the first values. A first-value seed begins with the first bar, so there is nothing to leave out.
    pub(crate) fn aligned(one: (Average, usize), other: (Average, usize), seed: Seed) -> Result<Self, TaError> {
        let mut averages = Self::new(one, other, seed)?;
        if seed == Seed::Talib {
            let (one, other) = if other.1 < one.1 { (other, one) } else { (one, other) };
            let (fast, slow) = (one.0.lookback(one.1), other.0.lookback(other.1));
            averages.fast.skip = slow.saturating_sub(fast);
            averages.slow.skip = fast.saturating_sub(slow);
        }
        Ok(averages)
    }

    /// Exponential averages with weights of their own, aligned.
    pub(crate) fn weighted(fast: (usize, f64), slow: (usize, f64), seed: Seed) -> Self {
        let late = |(period, weight), skip| Late { skip, average: Ma::Ema(Ema::weighted(period, weight, seed)) };
        let skip = if seed == Seed::Talib { slow.0.saturating_sub(fast.0) } else { 0 };
        Self { fast: late(fast, skip), slow: late(slow, 0) }
    }

    /// Values before the first pair.
    pub(crate) fn lookback(one: (Average, usize), other: (Average, usize)) -> usize {
        one.0.lookback(one.1).max(other.0.lookback(other.1))
    }

    /// The fast and the slow average.
    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<(f64, f64)> {
        let (fast, slow) = (self.fast.next(value), self.slow.next(value));
        fast.zip(slow)
    }
}

/// An average that leaves out the first values.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Late {
    skip: usize,
    average: Ma,
}

impl Late {
    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.average.next(value)
    }
}

/// Fast minus slow average, its own average, and the difference of the two: MACD and its relatives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Convergence {
    averages: FastAndSlow,
    signal: Ma,
}

impl Convergence {
    pub(crate) const fn new(averages: FastAndSlow, signal: Ma) -> Self {
        Self { averages, signal }
    }

    /// The difference, its average, and by how much it is above it.
    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<[f64; 3]> {
        let (fast, slow) = self.averages.next(value)?;
        let difference = fast - slow;
        self.signal.next(difference).map(|signal| [difference, signal, difference - signal])
    }
}

/// Mean rise and mean fall of the last changes, Wilder-smoothed as in `averages`, but in TA-Lib's order of steps, to the
/// bit: where nothing moved, two RSI differ by rounding noise only, and STOCHRSI asks which of them is the larger one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TalibRisesAndFalls {
    previous: Option<f64>,
    rise: f64,
    fall: f64,
    /// Changes still to be added up before there is a mean.
    missing: usize,
    /// How much the mean so far counts against one new change, and what the sum of both is multiplied with.
    past: f64,
    weight: f64,
}

impl TalibRisesAndFalls {
    pub(crate) fn new(period: usize) -> Self {
        let weight = 1.0 / float(period);
        Self { previous: None, rise: 0.0, fall: 0.0, missing: period, past: float(period - 1), weight }
    }

    /// 100 times the share of rises: the RSI; 0 where nothing moved.
    #[inline]
    pub(crate) fn next_share(&mut self, value: f64) -> Option<f64> {
        let change = value - self.previous.replace(value)?;
        let (rise, fall) = if change < 0.0 { (0.0, -change) } else { (change, 0.0) };
        if self.missing > 0 {
            self.missing -= 1;
            self.rise += rise;
            self.fall += fall;
            if self.missing > 0 {
                return None;
            }
            self.rise *= self.weight;
            self.fall *= self.weight;
        } else {
            self.rise = (self.rise * self.past + rise) * self.weight;
            self.fall = (self.fall * self.past + fall) * self.weight;
        }
        Some(100.0 * ratio_or_zero(self.rise, self.rise + self.fall))
    }
}

/// Where the close stands between the lowest low and the highest high of the last bars, in percent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PlaceInRange<N = f64> {
    highest: Maximum<N>,
    lowest: Minimum<N>,
}

impl<N: Number> PlaceInRange<N> {
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        Self { highest: Maximum::new(period), lowest: Minimum::new(period) }
    }

    /// 0..100; 0 where the range is nothing but rounding noise.
    #[inline(always)]
    pub(crate) fn next(&mut self, high: N, low: N, close: N) -> Option<N> {
        let (highest, lowest) = (self.highest.next(high), self.lowest.next(low));
        let (highest, lowest) = highest.zip(lowest)?;
        // In TA-Lib's order of steps: a close at the highest high is exactly 100, bar after bar, so that an adaptive
        // average over the places sees that nothing moved.
        let place = (close - lowest) / (highest - lowest) * N::splat(100.0);
        Some(if_nearly_equal(highest, lowest, N::splat(0.0), place))
    }
}

/// How few bars ago the lowest low and the highest high were, in percent of the window: AROON and its oscillator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Freshness<N = f64> {
    lowest: Extreme<N>,
    highest: Extreme<N>,
    period: N,
    /// 1 / period.
    share: N,
}

impl<N: Number> Freshness<N> {
    /// The window is `period` bars and the one before them.
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        let (lowest, highest) = (Extreme::lowest(period + 1), Extreme::highest(period + 1));
        Self { lowest, highest, period: N::splat(float(period)), share: N::splat(1.0 / float(period)) }
    }

    /// Of the low and of the high; of equals the newest counts.
    #[inline(always)]
    pub(crate) fn next(&mut self, high: N, low: N) -> Option<(N, N)> {
        let (low, high) = (self.lowest.next_at(low), self.highest.next_at(high));
        let ((_, low_ago), (_, high_ago)) = low.zip(high)?;
        let (period, hundred) = (self.period, N::splat(100.0));
        // Divided, so that the extreme itself is exactly 100.
        let (low, high) = (hundred * (period - low_ago), hundred * (period - high_ago));
        Some((low.over_known(period, self.share), high.over_known(period, self.share)))
    }
}

/// The place in the range, smoothed twice: STOCH and KDJ.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SlowStochastic {
    place: PlaceInRange,
    first: Ma,
    second: Ma,
}

impl SlowStochastic {
    /// From `fastk_period, slowk_period, slowk_matype, slowd_period, slowd_matype`.
    pub(crate) fn new(params: &Params) -> Result<Self, TaError> {
        let seed = params.seed();
        Ok(Self {
            place: PlaceInRange::new(params.int(0)?),
            first: Ma::new(params.average(2)?, params.int(1)?, seed)?,
            second: Ma::new(params.average(4)?, params.int(3)?, seed)?,
        })
    }

    pub(crate) fn lookback(params: &Params) -> Result<usize, TaError> {
        let (first, second) = (params.average(2)?, params.average(4)?);
        Ok(params.int(0)? - 1 + first.lookback(params.int(1)?) + second.lookback(params.int(3)?))
    }

    /// Smoothed once and twice.
    #[inline]
    pub(crate) fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 2]> {
        let slow_k = self.first.next(self.place.next(high, low, close)?)?;
        self.second.next(slow_k).map(|slow_d| [slow_k, slow_d])
    }
}

/// A short mean of the bars' midpoints minus a long one: AO and AC.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MedianSpread {
    fast: Sma,
    slow: Sma,
}

impl MedianSpread {
    pub(crate) fn new(fast: usize, slow: usize) -> Self {
        Self { fast: Sma::new(fast), slow: Sma::new(slow) }
    }

    #[inline]
    pub(crate) fn next(&mut self, high: f64, low: f64) -> Option<f64> {
        let middle = (high + low) / 2.0;
        let (fast, slow) = (self.fast.next(middle), self.slow.next(middle));
        fast.zip(slow).map(|(fast, slow)| fast - slow)
    }
}

/// An exponential average of an exponential average: TSI and SMI.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SmoothedTwice {
    first: Ema,
    second: Ema,
}

impl SmoothedTwice {
    pub(crate) fn new(first: usize, second: usize, seed: Seed) -> Self {
        Self { first: Ema::new(first, seed), second: Ema::new(second, seed) }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        self.second.next(self.first.next(value)?)
    }
}

/// Strength of a trend: Wilder's average of DX.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrendStrength {
    movement: Directional,
    /// DX still to be added up before the average begins.
    missing: usize,
    average: f64,
    count: f64,
}

impl TrendStrength {
    pub(crate) fn new(period: usize) -> Self {
        Self { movement: Directional::new(period), missing: period, average: 0.0, count: float(period) }
    }

    /// 0..100, from bar `2 * period - 1` on.
    #[inline]
    pub(crate) fn next(&mut self, bar: [f64; 3]) -> Option<f64> {
        let dx = self.movement.next(bar)?.dx();
        if self.missing > 0 {
            self.missing -= 1;
            self.average += dx.unwrap_or(0.0);
            if self.missing > 0 {
                return None;
            }
            self.average /= self.count;
        } else if let Some(dx) = dx {
            // Where there was no range TA-Lib keeps the last value.
            self.average += (dx - self.average) / self.count;
        }
        Some(self.average)
    }
}

/// Wilder's running sum of one number a bar: `period - 1` of them, then a share is given up for each that comes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WilderSum {
    sum: f64,
    /// Numbers still to be added up before the first sum.
    missing: usize,
    period: usize,
    weight: f64,
}

impl WilderSum {
    pub(crate) fn new(period: usize) -> Self {
        Self { sum: 0.0, missing: lookback_of_wilder_sum(period), period, weight: 1.0 / float(period) }
    }

    /// The sum, first of the first `period - 1` numbers; with a period of 1 the number itself.
    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        if self.period == 1 {
            return Some(value);
        }
        if self.missing > 0 {
            self.missing -= 1;
            self.sum += value;
            return (self.missing == 0).then_some(self.sum);
        }
        self.sum += value - self.sum * self.weight;
        Some(self.sum)
    }
}

/// Bars before the first [`WilderSum`] of changes from bar to bar.
pub(crate) fn lookback_of_wilder_sum(period: usize) -> usize {
    if period > 1 { period - 1 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_averages_begin_on_the_same_bars_unless_the_seed_is_the_first_value() {
        let run = |seed| {
            let pair = FastAndSlow::aligned((Average::Ema, 4), (Average::Ema, 2), seed);
            let mut pair = pair.unwrap_or_else(|_| FastAndSlow::weighted((1, 1.0), (1, 1.0), seed));
            [8.0, 0.0, 4.0, 5.0].iter().filter_map(|value| pair.next(*value)).collect::<Vec<_>>()
        };
        // The fast one leaves out 8 and 0: the mean of 4 and 5.
        assert_eq!(run(Seed::Talib), [(4.5, 4.25)]);
        let near = |pair: &(f64, f64)| (pair.0 - 122.0 / 27.0).abs() < 1e-12 && (pair.1 - 4.688).abs() < 1e-12;
        assert!(run(Seed::TradingView).iter().all(near), "{:?}", run(Seed::TradingView));
        assert_eq!(run(Seed::TradingView).len(), 1);
    }

    #[test]
    fn a_wilder_sum_begins_with_one_number_less_than_its_period() {
        let mut sum = WilderSum::new(4);
        let sums: Vec<_> = [1.0, 2.0, 5.0, 6.0].iter().map(|value| sum.next(*value)).collect();
        assert_eq!(sums, [None, None, Some(8.0), Some(12.0)]);
        assert_eq!(WilderSum::new(1).next(3.0), Some(3.0));
    }
}
