//! True range and directional movement (J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978).

use super::ratio_or_zero;

/// One bar against the bar before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Movement {
    /// Rise of the high, where it is larger than the fall of the low; else 0.
    pub(crate) plus: f64,
    /// Fall of the low, where it is larger than the rise of the high; else 0.
    pub(crate) minus: f64,
    /// Largest of high - low, |high - previous close|, |low - previous close|; NaN if any of them is.
    pub(crate) range: f64,
}

impl Movement {
    /// Add a bar to running sums.
    pub(crate) fn add(&mut self, bar: Self) {
        self.plus += bar.plus;
        self.minus += bar.minus;
        self.range += bar.range;
    }

    /// Wilder's smoothing of sums: give up the share `weight` = 1 / period, add the new bar.
    pub(crate) fn smooth(&mut self, bar: Self, weight: f64) {
        self.plus += bar.plus - self.plus * weight;
        self.minus += bar.minus - self.minus * weight;
        self.range += bar.range - self.range * weight;
    }

    /// 100 |+DI - -DI| / (+DI + -DI); none where a denominator is 0.
    pub(crate) fn dx(&self) -> Option<f64> {
        if self.range == 0.0 {
            return None;
        }
        let (plus, minus) = (100.0 * (self.plus / self.range), 100.0 * (self.minus / self.range));
        let sum = plus + minus;
        if sum == 0.0 { None } else { Some(100.0 * ((minus - plus).abs() / sum)) }
    }
}

/// Largest of the three distances.
pub(crate) fn true_range(high: f64, low: f64, previous_close: f64) -> f64 {
    let (inside, up, down) = (high - low, (high - previous_close).abs(), (low - previous_close).abs());
    // A NaN close must not fall back to high - low, which comparisons alone would do.
    if previous_close.is_nan() {
        return f64::NAN;
    }
    let largest = if up > inside { up } else { inside };
    if down > largest { down } else { largest }
}

/// True range of every bar from the second on.
pub(crate) fn true_ranges<'a>(high: &'a [f64], low: &'a [f64], close: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    high.iter().zip(low).skip(1).zip(close).map(|((&high, &low), &previous)| true_range(high, low, previous))
}

/// Movement of every bar from the second on.
pub(crate) fn movements<'a>(high: &'a [f64], low: &'a [f64], close: &'a [f64]) -> impl Iterator<Item = Movement> + 'a {
    let previous = high.iter().zip(low);
    let current = high.iter().zip(low).skip(1);
    current.zip(previous).zip(true_ranges(high, low, close)).map(|(((high, low), (old_high, old_low)), range)| {
        let (rise, fall) = (high - old_high, old_low - low);
        let plus = if rise > 0.0 && rise > fall { rise } else { 0.0 };
        let minus = if fall > 0.0 && fall > rise { fall } else { 0.0 };
        Movement { plus, minus, range }
    })
}

/// Wilder's directional indicator of one side of the movement; `out[0]` belongs to bar `period`.
///
/// With a period of 1 nothing is smoothed and, as in TA-Lib, the ratio is not scaled by 100.
#[inline]
pub(crate) fn directional_indicator(
    prices: [&[f64]; 3],
    period: usize,
    side: impl Fn(&Movement) -> f64,
    out: &mut [f64],
) {
    let [high, low, close] = prices;
    let mut bars = movements(high, low, close);
    if period == 1 {
        for (slot, bar) in out.iter_mut().zip(bars) {
            *slot = ratio_or_zero(side(&bar), bar.range);
        }
        return;
    }
    let (mut sums, weight) = (Movement::default(), 1.0 / super::float(period));
    for bar in bars.by_ref().take(period - 1) {
        sums.add(bar);
    }
    for (slot, bar) in out.iter_mut().zip(bars) {
        sums.smooth(bar, weight);
        *slot = 100.0 * ratio_or_zero(side(&sums), sums.range);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_reaches_to_the_close_before_and_is_unknown_without_it() {
        assert_eq!(true_range(5.0, 3.0, 4.0), 2.0);
        assert_eq!(true_range(5.0, 3.0, 1.0), 4.0);
        assert_eq!(true_range(5.0, 3.0, 8.0), 5.0);
        for (high, low, close) in [(f64::NAN, 3.0, 4.0), (5.0, f64::NAN, 4.0), (5.0, 3.0, f64::NAN)] {
            assert!(true_range(high, low, close).is_nan());
        }
    }

    #[test]
    fn only_the_larger_move_counts() {
        let moves = |high: [f64; 2], low: [f64; 2]| {
            movements(&high, &low, &low).next().map(|movement| (movement.plus, movement.minus))
        };
        assert_eq!(moves([5.0, 7.0], [3.0, 2.0]), Some((2.0, 0.0)));
        assert_eq!(moves([5.0, 6.0], [3.0, 1.0]), Some((0.0, 2.0)));
        assert_eq!(moves([5.0, 6.0], [3.0, 2.0]), Some((0.0, 0.0)));
        assert_eq!(moves([5.0, 4.0], [3.0, 4.0]), Some((0.0, 0.0)));
    }
}
