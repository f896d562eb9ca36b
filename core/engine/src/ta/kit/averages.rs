//! Moving averages, one value after the other: each answers `None` until it has seen enough.

use serde::{Deserialize, Serialize};

use super::ring::Ring;
use super::windows::{Ramp, Sum};
use super::{Seed, TaError, float, ratio_or_zero};

/// Mean of the last `period` values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sma {
    sum: Sum,
    /// 1 / period.
    share: f64,
}

impl Sma {
    pub(crate) fn new(period: usize) -> Self {
        Self { sum: Sum::new(period), share: 1.0 / float(period) }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        self.sum.next(value).map(|sum| sum * self.share)
    }
}

/// An exponential average, `average += (value - average) * weight`, first the mean of `period` values (TA-Lib) or the
/// first value (`TradingView`, whose values are shown from the same bar on).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ema {
    average: f64,
    weight: f64,
    /// Values still missing before there is an average.
    missing: usize,
    period: usize,
    seed: Seed,
}

impl Ema {
    /// With weight `2 / (period + 1)`.
    pub(crate) fn new(period: usize, seed: Seed) -> Self {
        Self::weighted(period, 2.0 / (float(period) + 1.0), seed)
    }

    /// Wilder's, with weight `1 / period`; both seeds are the mean.
    pub(crate) fn wilder(period: usize) -> Self {
        Self::weighted(period, 1.0 / float(period), Seed::Talib)
    }

    /// With a weight of its own.
    pub(crate) fn weighted(period: usize, weight: f64, seed: Seed) -> Self {
        Self { average: 0.0, weight, missing: period, period, seed }
    }

    /// The average so far.
    pub(crate) const fn average(&self) -> f64 {
        self.average
    }

    /// What a new value counts.
    pub(crate) const fn weight(&self) -> f64 {
        self.weight
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        if self.missing > 0 {
            return self.warm_up(value);
        }
        // With a weight of 1 the recursion would be the identity but for rounding.
        self.average = if self.weight == 1.0 { value } else { self.average + (value - self.average) * self.weight };
        Some(self.average)
    }

    #[cold]
    fn warm_up(&mut self, value: f64) -> Option<f64> {
        let first = self.missing == self.period;
        self.missing -= 1;
        match self.seed {
            Seed::Talib => {
                self.average += value;
                if self.missing > 0 {
                    return None;
                }
                self.average /= float(self.period);
            }
            Seed::TradingView => {
                self.average = if first { value } else { self.average + (value - self.average) * self.weight };
                if self.missing > 0 {
                    return None;
                }
            }
        }
        Some(self.average)
    }
}

/// Weights 1, 2, .., period, the newest heaviest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Wma {
    ramp: Ramp,
    /// 1 / the sum of the weights.
    share: f64,
}

impl Wma {
    pub(crate) fn new(period: usize) -> Self {
        let count = float(period);
        Self { ramp: Ramp::new(period), share: 2.0 / (count * (count + 1.0)) }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        self.ramp.next(value).map(|sum| sum * self.share)
    }
}

/// The average of an average of an average, each [`Ema`] starting on the values of the one before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EmaChain<const N: usize>(#[serde(with = "chain")] [Ema; N]);

mod chain {
    //! Arrays of any length for serde, which knows only fixed ones.
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Ema;

    pub(super) fn serialize<S: Serializer, const N: usize>(chain: &[Ema; N], to: S) -> Result<S::Ok, S::Error> {
        chain.as_slice().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[Ema; N], D::Error> {
        Vec::<Ema>::deserialize(from)?.try_into().map_err(|_| D::Error::custom("wrong number of averages"))
    }
}

impl<const N: usize> EmaChain<N> {
    pub(crate) fn new(period: usize, seed: Seed) -> Self {
        Self(std::array::from_fn(|_| Ema::new(period, seed)))
    }

    /// Every average, once the last one has a value.
    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<[f64; N]> {
        let mut values = [0.0; N];
        let mut value = value;
        for (average, slot) in self.0.iter_mut().zip(&mut values) {
            value = average.next(value)?;
            *slot = value;
        }
        Some(values)
    }
}

/// Kaufman's adaptive average: the straighter the way, the faster it follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kama {
    past: Ring,
    steps: Sum,
    previous: f64,
    average: Option<f64>,
}

impl Kama {
    pub(crate) fn new(period: usize) -> Self {
        Self { past: Ring::new(period), steps: Sum::new(period), previous: f64::NAN, average: None }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        const FASTEST: f64 = 2.0 / 3.0;
        const SLOWEST: f64 = 2.0 / 31.0;
        let previous = std::mem::replace(&mut self.previous, value);
        let oldest = self.past.push(value);
        let way = if previous.is_nan() { None } else { self.steps.next((value - previous).abs()) };
        let (oldest, way) = (oldest?, way?);
        let straight = value - oldest;
        // As in TA-Lib, a way that is no longer than the (signed) distance is straight.
        let efficiency = if way <= straight || way == 0.0 { 1.0 } else { (straight / way).abs() };
        let weight = efficiency * (FASTEST - SLOWEST) + SLOWEST;
        let average = self.average.unwrap_or(previous);
        let average = average + (value - average) * (weight * weight);
        self.average = Some(average);
        Some(average)
    }
}

/// Tillson's T3: six exponential averages, weighted so that they hardly lag.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct T3 {
    chain: EmaChain<6>,
    weights: [f64; 4],
}

impl T3 {
    /// `volume_factor` in 0..=1.
    pub(crate) fn new(period: usize, volume_factor: f64, seed: Seed) -> Self {
        let v = volume_factor;
        let (square, cube) = (v * v, v * v * v);
        let weights =
            [-cube, 3.0 * (square + cube), -6.0 * square - 3.0 * (v + cube), 1.0 + 3.0 * v + cube + 3.0 * square];
        Self { chain: EmaChain::new(period, seed), weights }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        let [_, _, third, fourth, fifth, sixth] = self.chain.next(value)?;
        let [a, b, c, d] = self.weights;
        Some(a * sixth + b * fifth + c * fourth + d * third)
    }
}

/// Weights that rise to the middle of the window and fall again: the mean of a mean.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trima {
    inner: Sma,
    outer: Sma,
}

impl Trima {
    pub(crate) fn new(period: usize) -> Self {
        let (inner, outer) =
            if period % 2 == 1 { (period / 2 + 1, period / 2 + 1) } else { (period / 2 + 1, period / 2) };
        Self { inner: Sma::new(inner), outer: Sma::new(outer.max(1)) }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        self.outer.next(self.inner.next(value)?)
    }
}

/// TA-Lib's `MA_Type` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Average {
    Sma = 0,
    Ema = 1,
    Wma = 2,
    Dema = 3,
    Tema = 4,
    Trima = 5,
    Kama = 6,
    Mama = 7,
    T3 = 8,
}

impl Average {
    pub(crate) const ALL: [Self; 9] =
        [Self::Sma, Self::Ema, Self::Wma, Self::Dema, Self::Tema, Self::Trima, Self::Kama, Self::Mama, Self::T3];

    /// Values before the first average.
    pub(crate) const fn lookback(self, period: usize) -> usize {
        match (self, period) {
            (_, 0 | 1) => 0,
            (Self::Sma | Self::Ema | Self::Wma | Self::Trima, _) => period - 1,
            (Self::Dema, _) => 2 * (period - 1),
            (Self::Tema, _) => 3 * (period - 1),
            (Self::Kama, _) => period,
            (Self::Mama, _) => 32,
            (Self::T3, _) => 6 * (period - 1),
        }
    }
}

/// A moving average of any kind; with a period of 1 the series itself, as in TA-Lib's MA.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Ma {
    Itself,
    Sma(Sma),
    Ema(Ema),
    Wma(Wma),
    Dema(EmaChain<2>),
    Tema(EmaChain<3>),
    Trima(Trima),
    Kama(Kama),
    T3(T3),
}

impl Ma {
    /// # Errors
    /// [`TaError::Wiring`] for a kind that has no state here.
    pub(crate) fn new(kind: Average, period: usize, seed: Seed) -> Result<Self, TaError> {
        Ok(match kind {
            _ if period <= 1 => Self::Itself,
            Average::Sma => Self::Sma(Sma::new(period)),
            Average::Ema => Self::Ema(Ema::new(period, seed)),
            Average::Wma => Self::Wma(Wma::new(period)),
            Average::Dema => Self::Dema(EmaChain::new(period, seed)),
            Average::Tema => Self::Tema(EmaChain::new(period, seed)),
            Average::Trima => Self::Trima(Trima::new(period)),
            Average::Kama => Self::Kama(Kama::new(period)),
            Average::Mama => return Err(TaError::Wiring { what: "MAMA" }),
            Average::T3 => Self::T3(T3::new(period, 0.7, seed)),
        })
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        match self {
            Self::Itself => Some(value),
            Self::Sma(average) => average.next(value),
            Self::Ema(average) => average.next(value),
            Self::Wma(average) => average.next(value),
            Self::Dema(chain) => chain.next(value).map(|[first, second]| 2.0 * first - second),
            Self::Tema(chain) => chain.next(value).map(|[first, second, third]| 3.0 * first - 3.0 * second + third),
            Self::Trima(average) => average.next(value),
            Self::Kama(average) => average.next(value),
            Self::T3(average) => average.next(value),
        }
    }
}

/// Mean rise and mean fall of the last changes, Wilder-smoothed: what RSI and CMO are made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RisesAndFalls {
    previous: f64,
    rise: Ema,
    fall: Ema,
}

impl RisesAndFalls {
    pub(crate) fn new(period: usize) -> Self {
        Self { previous: f64::NAN, rise: Ema::wilder(period), fall: Ema::wilder(period) }
    }

    /// The last value, mean rise and mean fall; and the weight of a new change.
    pub(crate) const fn parts(&self) -> ([f64; 3], f64) {
        ([self.previous, self.rise.average(), self.fall.average()], self.rise.weight())
    }

    /// Mean rise and mean fall.
    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<(f64, f64)> {
        let change = value - std::mem::replace(&mut self.previous, value);
        if change.is_nan() {
            return None;
        }
        let (rise, fall) = if change < 0.0 { (0.0, -change) } else { (change, 0.0) };
        self.rise.next(rise).zip(self.fall.next(fall))
    }

    /// 100 times the share of rises; 0 where nothing moved.
    #[inline]
    pub(crate) fn next_share(&mut self, value: f64) -> Option<f64> {
        self.next(value).map(|(rise, fall)| 100.0 * ratio_or_zero(rise, rise + fall))
    }
}
