//! How large and how small a setting's size can be at a bar, whichever pattern asks: the sums of patterns with different
//! look-backs differ by rounding. Found from one of the sums, so that a block's bars go through without a branch.
#![expect(clippy::indexing_slicing, reason = "columns come from the plan that sized the rows")]

use super::settings::{Gauge, RangeType};
use super::watch::{BLOCK, Block, Watch};
use crate::ta::kit::float;

/// Least and largest of a setting's size at each bar of a block, whatever the look-back.
pub(crate) struct Bounds {
    pub(crate) least: [f64; BLOCK],
    pub(crate) largest: [f64; BLOCK],
}

impl Bounds {
    pub(crate) const fn new() -> Self {
        Self { least: [0.0; BLOCK], largest: [0.0; BLOCK] }
    }
}

/// One of the sums of a part over a period at each bar of a block, and how far the others are from it at most.
pub(crate) struct Sums {
    of: (RangeType, usize),
    one: [f64; BLOCK],
    below: f64,
    above: f64,
}

/// More than rounding can move one sum against another within a block, as a share of the largest: half a unit in the
/// last place for each of the two at each addition; as much again covers the few steps from a sum to a size.
const DRIFT: f64 = BLOCK as f64 * 2.0 * f64::EPSILON;

impl Sums {
    #[inline(always)]
    pub(crate) fn of(gauge: &Gauge, block: &Block<'_>, watch: &Watch) -> Self {
        let mut sums = Self { of: (gauge.range, gauge.period), one: [0.0; BLOCK], below: 0.0, above: 0.0 };
        if gauge.period == 0 {
            block.parts(gauge.range, &mut sums.one);
            return sums;
        }
        let columns = watch.columns(gauge.range, gauge.period);
        // First windows and misprints: no two sums need be alike. Finite, so that a factor of 0 makes 0 of them.
        if !block.is_plain || columns.is_empty() {
            (sums.below, sums.above) = (f64::MIN, f64::MAX);
            return sums;
        }
        block.column(columns.start, &mut sums.one);
        let row = &block.row(block.first)[columns];
        let mut tallest = [0.0_f64; 8];
        for chunk in sums.one.chunks_exact(8) {
            for (tallest, sum) in tallest.iter_mut().zip(chunk) {
                *tallest = if sum.abs() > *tallest { sum.abs() } else { *tallest };
            }
        }
        let apart = row.iter().map(|sum| sum - row[0]);
        (sums.below, sums.above) = apart.fold((0.0, 0.0), |(below, above), by| (by.min(below), by.max(above)));
        let slack = DRIFT * (tallest.into_iter().fold(0.0, f64::max) + sums.above - sums.below);
        (sums.below, sums.above) = (sums.below - slack, sums.above + slack);
        sums
    }

    /// Whether these are what a gauge averages.
    #[inline(always)]
    pub(crate) fn are_of(&self, gauge: &Gauge) -> bool {
        self.of == (gauge.range, gauge.period)
    }

    /// Bounds of a size that is made of them.
    #[inline(always)]
    pub(crate) fn bounds(&self, gauge: &Gauge, bounds: &mut Bounds) {
        let share = gauge.factor * gauge.halved() / if gauge.period == 0 { 1.0 } else { float(gauge.period) };
        for (least, sum) in bounds.least.iter_mut().zip(&self.one) {
            *least = (sum + self.below) * share;
        }
        for (largest, sum) in bounds.largest.iter_mut().zip(&self.one) {
            *largest = (sum + self.above) * share;
        }
    }
}
