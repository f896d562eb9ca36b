//! Swing highs and lows, and the legs between them (zigzag), each known only after a reversal of a set size.
//!
//! An extreme becomes a pivot on the first later bar that lies the threshold away from it. The threshold is taken at the
//! extreme itself and then kept: in multiples of Wilder's average true range of that bar, or in percent of its price.
//! Pivots alternate, are never taken back, and a bar never confirms its own extreme (which came first within a bar is
//! not known). O(1) a bar.

use serde::{Deserialize, Serialize};

use super::params::Unit;
use crate::ta::kit::float;
use crate::ta::kit::ranges::true_range;

/// A confirmed swing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pivot {
    /// Bar of the extreme.
    pub bar: usize,
    /// Its price.
    pub price: f64,
    /// A swing high; else a swing low.
    pub is_high: bool,
    /// Bar that made it known.
    pub confirmed_at: usize,
}

/// A leg of the zigzag, between two confirmed pivots.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Where it begins.
    pub start: Pivot,
    /// Where it ends; the leg is known when this pivot is.
    pub end: Pivot,
}

/// Wilder's average true range that has a value from the first bar on: the plain mean until `period` bars are in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RangeAverage {
    period: usize,
    count: usize,
    close: f64,
    value: f64,
}

impl RangeAverage {
    pub(crate) const fn new(period: usize) -> Self {
        Self { period, count: 0, close: 0.0, value: 0.0 }
    }

    pub(crate) fn next(&mut self, high: f64, low: f64, close: f64) -> f64 {
        let range = if self.count == 0 { high - low } else { true_range(high, low, self.close) };
        if self.count < self.period {
            self.count += 1;
        }
        self.close = close;
        self.value += (range - self.value) / float(self.count);
        self.value
    }

    /// Once `period` bars are in.
    pub(crate) const fn is_warm(&self) -> bool {
        self.count >= self.period
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Extreme {
    bar: usize,
    price: f64,
    /// Distance that confirms it.
    threshold: f64,
}

impl Extreme {
    /// Whether a later price lies far enough below (a high) or above (a low).
    fn reversed_by(&self, distance: f64) -> bool {
        distance > 0.0 && distance >= self.threshold
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Phase {
    /// Before the first pivot: highest and lowest so far.
    Start { high: Extreme, low: Extreme },
    /// After a low: highest since.
    Rising { high: Extreme },
    /// After a high: lowest since.
    Falling { low: Extreme },
}

/// Finds swings bar by bar.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Swings {
    unit: Unit,
    reversal: f64,
    phase: Option<Phase>,
}

impl Swings {
    /// With a reversal of `reversal` ATR multiples or percent; the caller has checked its bounds.
    #[must_use]
    pub const fn new(unit: Unit, reversal: f64) -> Self {
        Self { unit, reversal, phase: None }
    }

    /// Take the next bar; `range` is the average true range at it.
    pub fn next(&mut self, bar: usize, high: f64, low: f64, range: f64) -> Option<Pivot> {
        let (unit, reversal) = (self.unit, self.reversal);
        let extreme = |price: f64| {
            let threshold = match unit {
                Unit::Atr => reversal * range,
                Unit::Percent => reversal / 100.0 * price.abs(),
            };
            Extreme { bar, price, threshold }
        };
        let pivot = |from: &Extreme, is_high| Pivot { bar: from.bar, price: from.price, is_high, confirmed_at: bar };
        match &mut self.phase {
            None => {
                self.phase = Some(Phase::Start { high: extreme(high), low: extreme(low) });
                None
            }
            Some(Phase::Rising { high: top }) => {
                if high > top.price {
                    *top = extreme(high);
                    return None;
                }
                let found = top.reversed_by(top.price - low).then(|| pivot(top, true))?;
                self.phase = Some(Phase::Falling { low: extreme(low) });
                Some(found)
            }
            Some(Phase::Falling { low: bottom }) => {
                if low < bottom.price {
                    *bottom = extreme(low);
                    return None;
                }
                let found = bottom.reversed_by(high - bottom.price).then(|| pivot(bottom, false))?;
                self.phase = Some(Phase::Rising { high: extreme(high) });
                Some(found)
            }
            Some(Phase::Start { high: top, low: bottom }) => {
                let (higher, lower) = (high > top.price, low < bottom.price);
                if higher {
                    *top = extreme(high);
                }
                if lower {
                    *bottom = extreme(low);
                }
                let fell = !higher && top.reversed_by(top.price - low);
                let rose = !lower && bottom.reversed_by(high - bottom.price);
                // Both at once: the later extreme is the one that turned; on one bar nobody knows, so wait.
                if fell && (!rose || top.bar > bottom.bar) {
                    let found = pivot(top, true);
                    self.phase = Some(Phase::Falling { low: extreme(low) });
                    Some(found)
                } else if rose && (!fell || bottom.bar > top.bar) {
                    let found = pivot(bottom, false);
                    self.phase = Some(Phase::Rising { high: extreme(high) });
                    Some(found)
                } else {
                    None
                }
            }
        }
    }
}

/// Legs out of pivots.
#[must_use]
pub fn legs(pivots: &[Pivot]) -> Vec<Leg> {
    pivots.iter().zip(pivots.iter().skip(1)).map(|(start, end)| Leg { start: *start, end: *end }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(prices: &[f64], percent: f64) -> Vec<(usize, f64, bool, usize)> {
        let mut swings = Swings::new(Unit::Percent, percent);
        let pivots = prices.iter().enumerate().filter_map(|(bar, price)| swings.next(bar, *price, *price, 0.0));
        pivots.map(|pivot| (pivot.bar, pivot.price, pivot.is_high, pivot.confirmed_at)).collect()
    }

    #[test]
    fn ten_percent_swings_worked_out_by_hand() {
        // 100 is confirmed as a low by 110 (10 % up); 120 as a high by 108 (10 % down); 90 as a low by 99.
        let prices = [100.0, 105.0, 110.0, 120.0, 110.0, 108.0, 90.0, 95.0, 99.0, 98.0];
        assert_eq!(found(&prices, 10.0), [(0, 100.0, false, 2), (3, 120.0, true, 5), (6, 90.0, false, 8)]);
    }

    #[test]
    fn a_flat_market_has_no_swings_and_a_bar_never_confirms_itself() {
        assert_eq!(found(&[5.0; 50], 1.0), []);
        let mut swings = Swings::new(Unit::Percent, 10.0);
        assert_eq!(swings.next(0, 100.0, 50.0, 0.0), None);
        // Both directions at once, both extremes on one bar: nobody knows which came first.
        assert_eq!(swings.next(1, 90.0, 60.0, 0.0), None);
    }

    #[test]
    fn the_range_average_is_a_mean_first_and_wilders_then() {
        let mut average = RangeAverage::new(2);
        assert_eq!(average.next(3.0, 1.0, 2.0), 2.0);
        assert!(!average.is_warm());
        assert_eq!(average.next(6.0, 4.0, 5.0), 3.0);
        assert!(average.is_warm());
        assert_eq!(average.next(6.0, 5.0, 5.0), 2.0);
    }
}
