//! Eight numbers on any processor.

use std::ops::{Add, AddAssign, Div, Mul, Sub};

use super::{LANES, Number, Wide};

/// An array: what the compiler makes of it depends on the target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lanes(pub(super) [f64; LANES]);

impl Lanes {
    #[inline(always)]
    fn zip(self, other: Self, each: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = self.0;
        for (slot, other) in out.iter_mut().zip(other.0) {
            *slot = each(*slot, other);
        }
        Self(out)
    }

    #[inline(always)]
    fn choose(left: Self, right: Self, then: Self, other: Self, holds: impl Fn(f64, f64) -> bool) -> Self {
        let mut out = other.0;
        for (((slot, then), left), right) in out.iter_mut().zip(then.0).zip(left.0).zip(right.0) {
            *slot = if holds(left, right) { then } else { *slot };
        }
        Self(out)
    }
}

arithmetic!(
    Lanes,
    |a: Lanes, b| a.zip(b, |x, y| x + y),
    |a: Lanes, b| a.zip(b, |x, y| x - y),
    |a: Lanes, b| a.zip(b, |x, y| x * y),
    |a: Lanes, b| a.zip(b, |x, y| x / y)
);

impl Number for Lanes {
    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn root(self) -> Self {
        Self(self.0.map(f64::sqrt))
    }

    #[inline(always)]
    fn arctangent(self) -> Self {
        Self(self.0.map(f64::atan))
    }

    #[inline(always)]
    fn fused(self, factor: Self, summand: Self) -> Self {
        let mut out = self.0;
        for ((slot, factor), summand) in out.iter_mut().zip(factor.0).zip(summand.0) {
            *slot = slot.mul_add(factor, summand);
        }
        Self(out)
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        Self(self.0.map(f64::abs))
    }

    #[inline(always)]
    fn if_above(left: Self, right: Self, then: Self, other: Self) -> Self {
        Self::choose(left, right, then, other, |left, right| left > right)
    }

    #[inline(always)]
    fn if_at_least(left: Self, right: Self, then: Self, other: Self) -> Self {
        Self::choose(left, right, then, other, |left, right| left >= right)
    }

    #[inline(always)]
    #[expect(clippy::float_cmp, reason = "exactly equal is what is asked")]
    fn if_equal(left: Self, right: Self, then: Self, other: Self) -> Self {
        Self::choose(left, right, then, other, |left, right| left == right)
    }

    #[inline(always)]
    fn all_moderate(self) -> bool {
        self.0.iter().all(|value| value.all_moderate())
    }
}

impl Wide for Lanes {
    #[inline(always)]
    fn from_lanes(lanes: [f64; LANES]) -> Self {
        Self(lanes)
    }

    #[inline(always)]
    fn to_lanes(self) -> [f64; LANES] {
        self.0
    }

    #[inline(always)]
    fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        let mut columns = [Self::default(); LANES];
        for (row, values) in rows.iter().enumerate() {
            for (column, value) in columns.iter_mut().zip(values.0) {
                column.0.iter_mut().skip(row).take(1).for_each(|slot| *slot = value);
            }
        }
        columns
    }
}
