//! Averages that never forget: each value weighs a fixed share less than the one after it.

use serde::{Deserialize, Serialize};

use super::super::ring::Ring;
use super::super::{Seed, float, ratio_or_zero};

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

    /// Every average so far, and the weight of a new value.
    pub(crate) fn parts(&self) -> ([f64; N], f64) {
        (self.0.each_ref().map(Ema::average), self.0.first().map_or(1.0, Ema::weight))
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

/// An EMA of a series with the lag taken out: each value plus its change over half a period.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Zlema {
    past: Ring,
    average: Ema,
}

impl Zlema {
    pub(crate) fn new(period: usize, seed: Seed) -> Self {
        Self { past: Ring::new((period - 1) / 2), average: Ema::new(period, seed) }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        let past = self.past.push(value)?;
        self.average.next(2.0 * value - past)
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
