//! Kaufman's adaptive average (Perry J. Kaufman, "Trading Systems and Methods").

use serde::{Deserialize, Serialize};

use super::super::ring::Ring;
use super::super::simd::Number;
use super::super::windows::Sum;

/// How much of the distance to a new value Kaufman's average goes: the straighter the way to it, the more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pace<N = f64> {
    past: Ring<N>,
    steps: Sum<N>,
    previous: Option<N>,
}

impl<N: Number> Pace<N> {
    #[inline(always)]
    pub(crate) fn new(period: usize) -> Self {
        Self { past: Ring::new(period), steps: Sum::new(period), previous: None }
    }

    /// The share, once there are `period` steps.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: N) -> Option<N> {
        const FASTEST: f64 = 2.0 / 3.0;
        const SLOWEST: f64 = 2.0 / 31.0;
        let oldest = self.past.push(value);
        let way = self.previous.replace(value).and_then(|previous| self.steps.next((value - previous).magnitude()));
        let (oldest, way) = oldest.zip(way)?;
        let (straight, one) = (value - oldest, N::splat(1.0));
        // As in TA-Lib, a way that is no longer than the (signed) distance is straight.
        let efficiency = N::if_equal(way, N::splat(0.0), one, (straight / way).magnitude());
        let efficiency = N::if_at_least(straight, way, one, efficiency);
        let weight = efficiency * N::splat(FASTEST - SLOWEST) + N::splat(SLOWEST);
        Some(weight * weight)
    }
}

/// Kaufman's adaptive average: the straighter the way, the faster it follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kama {
    pace: Pace,
    previous: f64,
    average: Option<f64>,
}

impl Kama {
    pub(crate) fn new(period: usize) -> Self {
        Self { pace: Pace::new(period), previous: f64::NAN, average: None }
    }

    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> Option<f64> {
        let previous = std::mem::replace(&mut self.previous, value);
        let weight = self.pace.next(value)?;
        let average = self.average.unwrap_or(previous);
        let average = average + (value - average) * weight;
        self.average = Some(average);
        Some(average)
    }
}
