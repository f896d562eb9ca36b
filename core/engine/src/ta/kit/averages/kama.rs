//! Kaufman's adaptive average (Perry J. Kaufman, "Trading Systems and Methods").

use serde::{Deserialize, Serialize};

use super::super::ring::Ring;
use super::super::windows::Sum;

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
