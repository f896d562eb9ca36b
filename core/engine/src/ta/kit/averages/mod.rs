//! Moving averages, one value after the other: each answers `None` until it has seen enough.
//!
//! # Layout
//! - `weighted`: SMA, WMA, TRIMA, HMA; `exponential`: EMA and what is made of it; `kama`; MAMA is in
//!   [`hilbert`](super::hilbert).
//! - [`Average`]: TA-Lib's numbers for the kinds; [`Ma`]: an average of any kind.

mod exponential;
mod kama;
mod weighted;

use serde::{Deserialize, Serialize};

pub(crate) use exponential::{Ema, EmaChain, RisesAndFalls, T3, Zlema};
pub(crate) use kama::{Kama, Pace};
pub(crate) use weighted::{Hma, Sma, Trima, Wma};

use super::hilbert::Mama;
use super::{Seed, TaError};

/// TA-Lib's `MA_Type`. Its number 11, a function's own default, is none of these: [`super::Params`] puts the default in
/// its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Average {
    Sma,
    Ema,
    Wma,
    Dema,
    Tema,
    Trima,
    Kama,
    Mama,
    T3,
    Hma,
    /// No average: the series itself, whatever the period.
    Disabled,
    Zlema,
    Rma,
}

impl Average {
    /// TA-Lib's number for "the function's own default".
    pub(crate) const DEFAULT: f64 = 11.0;

    /// The kind with TA-Lib's number; none for [`Self::DEFAULT`] and what is no kind.
    pub(crate) const fn from_number(number: usize) -> Option<Self> {
        Some(match number {
            0 => Self::Sma,
            1 => Self::Ema,
            2 => Self::Wma,
            3 => Self::Dema,
            4 => Self::Tema,
            5 => Self::Trima,
            6 => Self::Kama,
            7 => Self::Mama,
            8 => Self::T3,
            9 => Self::Hma,
            10 => Self::Disabled,
            12 => Self::Zlema,
            13 => Self::Rma,
            _ => return None,
        })
    }

    /// Values before the first average.
    pub(crate) const fn lookback(self, period: usize) -> usize {
        match (self, period) {
            (_, 0 | 1) | (Self::Disabled, _) => 0,
            (Self::Sma | Self::Ema | Self::Wma | Self::Trima | Self::Rma, _) => period - 1,
            (Self::Dema, _) => 2 * (period - 1),
            (Self::Tema, _) => 3 * (period - 1),
            (Self::Kama, _) => period,
            (Self::Mama, _) => Mama::LOOKBACK,
            (Self::T3, _) => 6 * (period - 1),
            (Self::Hma, _) => period - 1 + period.isqrt() - 1,
            (Self::Zlema, _) => period - 1 + (period - 1) / 2,
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
    /// Large, and rarely asked for.
    Mama(Box<Mama>),
    /// Large, and rarely asked for.
    T3(Box<T3>),
    /// Large, and rarely asked for.
    Hma(Box<Hma>),
    Zlema(Zlema),
}

impl Ma {
    /// MAMA takes its usual limits and T3 its usual volume factor, as in TA-Lib's MA.
    ///
    /// # Errors
    /// [`TaError::Wiring`] for a period of 0: the SPEC's bounds let it through.
    pub(crate) fn new(kind: Average, period: usize, seed: Seed) -> Result<Self, TaError> {
        Ok(match (kind, period) {
            (_, 0) => return Err(TaError::Wiring { what: "period" }),
            (_, 1) | (Average::Disabled, _) => Self::Itself,
            (Average::Sma, _) => Self::Sma(Sma::new(period)),
            (Average::Ema, _) => Self::Ema(Ema::new(period, seed)),
            (Average::Wma, _) => Self::Wma(Wma::new(period)),
            (Average::Dema, _) => Self::Dema(EmaChain::new(period, seed)),
            (Average::Tema, _) => Self::Tema(EmaChain::new(period, seed)),
            (Average::Trima, _) => Self::Trima(Trima::new(period)),
            (Average::Kama, _) => Self::Kama(Kama::new(period)),
            (Average::Mama, _) => Self::Mama(Box::new(Mama::new(0.5, 0.05))),
            (Average::T3, _) => Self::T3(Box::new(T3::new(period, 0.7, seed))),
            (Average::Hma, _) => Self::Hma(Box::new(Hma::new(period))),
            (Average::Zlema, _) => Self::Zlema(Zlema::new(period, seed)),
            (Average::Rma, _) => Self::Ema(Ema::wilder(period)),
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
            Self::Mama(average) => average.next(value).map(|[mama, _]| mama),
            Self::T3(average) => average.next(value),
            Self::Hma(average) => average.next(value),
            Self::Zlema(average) => average.next(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [usize; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13];

    #[test]
    fn every_kind_answers_from_its_lookback_on_and_a_constant_is_its_own_average() {
        for kind in NUMBERS.into_iter().filter_map(Average::from_number) {
            for period in [1, 2, 3, 7, 20] {
                for seed in [Seed::Talib, Seed::TradingView] {
                    let answers: Vec<_> = Ma::new(kind, period, seed)
                        .map(|mut average| (0..200).map(|_| average.next(8.0)).collect())
                        .unwrap_or_default();
                    let lookback = kind.lookback(period);
                    let (silent, rest) = answers.split_at(lookback);
                    assert!(silent.iter().all(Option::is_none), "{kind:?} {period}");
                    // MAMA climbs up from 0.
                    let settled = |value: f64| kind == Average::Mama || (value - 8.0).abs() < 1e-12;
                    assert!(rest.iter().all(|value| value.is_some_and(settled)), "{kind:?} {period} {rest:?}");
                }
            }
        }
        assert_eq!([11, 14].map(Average::from_number), [None, None]);
    }

    #[test]
    fn windows_forget_an_absurd_price() {
        for kind in [Average::Sma, Average::Wma, Average::Trima, Average::Hma] {
            for period in [2, 5, 9, 30] {
                let mut average = Ma::new(kind, period, Seed::Talib).unwrap_or(Ma::Itself);
                let prices = std::iter::repeat_n(1e16, 50).chain(std::iter::repeat_n(1.0, 80));
                let last = prices.map(|price| average.next(price)).last().flatten();
                assert_eq!(last, Some(1.0), "{kind:?} {period}");
            }
        }
    }

    #[test]
    fn a_first_value_seed_shows_at_once_what_it_started_with() {
        // From a first value of 8, and 0 ever after, half is left with every bar: period 3.
        let mut average = Ma::new(Average::Ema, 3, Seed::TradingView).unwrap_or(Ma::Itself);
        let values: Vec<_> = [8.0, 0.0, 0.0, 0.0].into_iter().map(|price| average.next(price)).collect();
        assert_eq!(values, [None, None, Some(2.0), Some(1.0)]);
    }
}
