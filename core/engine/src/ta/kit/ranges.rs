//! True range and directional movement (J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978).

use serde::{Deserialize, Serialize};

use super::simd::Number;
use super::{Seed, float};

/// Largest of the three distances.
#[inline(always)]
pub(crate) fn true_range<N: Number>(high: N, low: N, previous_close: N) -> N {
    let (up, down) = ((high - previous_close).magnitude(), (low - previous_close).magnitude());
    (high - low).larger(up).larger(down)
}

/// True range of one bar after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrueRange {
    close: Option<f64>,
    seed: Seed,
}

impl TrueRange {
    pub(crate) const fn new(seed: Seed) -> Self {
        Self { close: None, seed }
    }

    /// The last close.
    pub(crate) const fn close(&self) -> Option<f64> {
        self.close
    }

    /// None on the first bar, as in TA-Lib; `TradingView` takes its high - low.
    #[inline]
    pub(crate) fn next(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        match (self.close.replace(close), self.seed) {
            (Some(previous), _) => Some(true_range(high, low, previous)),
            (None, Seed::TradingView) => Some(high - low),
            (None, Seed::Talib) => None,
        }
    }
}

/// One bar against the bar before, or Wilder's smoothed sums of such.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Movement<N = f64> {
    /// Rise of the high, where it is larger than the fall of the low; else 0.
    pub(crate) plus: N,
    /// Fall of the low, where it is larger than the rise of the high; else 0.
    pub(crate) minus: N,
    /// True range.
    pub(crate) range: N,
}

impl<N: Number> Movement<N> {
    /// Of a bar after another; each bar is high, low, close.
    #[inline(always)]
    pub(crate) fn between([old_high, old_low, old_close]: [N; 3], [high, low, _]: [N; 3]) -> Self {
        let zero = N::splat(0.0);
        let (rise, fall) = (high - old_high, old_low - low);
        let plus = N::if_above(rise, fall, rise.larger(zero), zero);
        let minus = N::if_above(fall, rise, fall.larger(zero), zero);
        Self { plus, minus, range: true_range(high, low, old_close) }
    }

    fn add(&mut self, bar: Self) {
        self.plus += bar.plus;
        self.minus += bar.minus;
        self.range += bar.range;
    }

    /// Give up the share `weight` = 1 / period, add the new bar.
    #[inline(always)]
    pub(crate) fn smooth(&mut self, bar: Self, weight: f64) {
        let weight = N::splat(weight);
        self.plus += bar.plus - self.plus * weight;
        self.minus += bar.minus - self.minus * weight;
        self.range += bar.range - self.range * weight;
    }

    /// 100 |+DI - -DI| / (+DI + -DI), in which the range cancels out; `otherwise` where nothing moved.
    #[inline(always)]
    pub(crate) fn dx_or(&self, otherwise: N) -> N {
        let sum = self.plus + self.minus;
        let dx = N::splat(100.0) * ((self.minus - self.plus).magnitude() / sum);
        N::if_equal(sum, N::splat(0.0), otherwise, dx)
    }
}

impl Movement {
    /// 100 |+DI - -DI| / (+DI + -DI); none where nothing moved.
    pub(crate) fn dx(&self) -> Option<f64> {
        Some(self.dx_or(f64::NAN)).filter(|dx| !dx.is_nan())
    }
}

/// Wilder's smoothed movement: sums that start with `period - 1` bars and then decay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Directional {
    previous: Option<[f64; 3]>,
    sums: Movement,
    /// Movements still to be added up before the smoothing begins.
    missing: usize,
    weight: f64,
    period: usize,
}

impl Directional {
    pub(crate) fn new(period: usize) -> Self {
        let missing = period - 1;
        Self { previous: None, sums: Movement::default(), missing, weight: 1.0 / float(period), period }
    }

    /// The last bar and the sums.
    pub(crate) fn parts(&self) -> Option<([f64; 3], Movement)> {
        self.previous.map(|previous| (previous, self.sums))
    }

    /// The sums from bar `period` on. With a period of 1 nothing is smoothed: the movement itself, from bar 1.
    #[inline]
    pub(crate) fn next(&mut self, bar: [f64; 3]) -> Option<Movement> {
        let movement = Movement::between(self.previous.replace(bar)?, bar);
        if self.period == 1 {
            return Some(movement);
        }
        if self.missing > 0 {
            self.missing -= 1;
            self.sums.add(movement);
            return None;
        }
        self.sums.smooth(movement, self.weight);
        Some(self.sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_reaches_to_the_close_before() {
        assert_eq!(true_range(5.0, 3.0, 4.0), 2.0);
        assert_eq!(true_range(5.0, 3.0, 1.0), 4.0);
        assert_eq!(true_range(5.0, 3.0, 8.0), 5.0);
        assert_eq!(TrueRange::new(Seed::Talib).next(5.0, 3.0, 4.0), None);
        assert_eq!(TrueRange::new(Seed::TradingView).next(5.0, 3.0, 4.0), Some(2.0));
    }

    #[test]
    fn only_the_larger_move_counts() {
        let moves = |high: [f64; 2], low: [f64; 2]| {
            let movement = Movement::between([high[0], low[0], low[0]], [high[1], low[1], low[1]]);
            (movement.plus, movement.minus)
        };
        assert_eq!(moves([5.0, 7.0], [3.0, 2.0]), (2.0, 0.0));
        assert_eq!(moves([5.0, 6.0], [3.0, 1.0]), (0.0, 2.0));
        assert_eq!(moves([5.0, 6.0], [3.0, 2.0]), (0.0, 0.0));
        assert_eq!(moves([5.0, 4.0], [3.0, 4.0]), (0.0, 0.0));
    }
}
