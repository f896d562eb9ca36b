//! Eight numbers at a time, and the choice of instruction set while running. The only module with `unsafe` in it.
//!
//! Kernels are written once over [`Number`] and compiled for `f64` and for eight lanes at each [`Level`]: one register of
//! 512 bits, two of 256, or an array. Each operation is one IEEE operation, fused only where it says so, so all levels give the same
//! bits.
//!
//! # Layout
//! - here: [`Number`], [`Wide`], [`dispatch`]; `portable`: [`Lanes`] for any processor; `x86`: registers of 512 and 256
//!   bits; `strands`: eight stretches of one series, read and written eight bars at a time.

mod strands;
#[cfg(test)]
mod tests;

pub(crate) use portable::Lanes;
pub(crate) use strands::{Strands, StrandsMut};

use std::ops::{Add, AddAssign, Div, Mul, Sub};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// Numbers side by side.
pub(crate) const LANES: usize = 8;

/// From and up to where a product of sums of prices, and what is small beside it, has all its digits. Within it a
/// formula may take fewer steps by way of such a product.
pub(crate) const MODERATE: [f64; 2] = [1e-200, 1e200];

/// Instruction sets kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// What every processor of the target has.
    Portable = 0,
    /// 256-bit vectors and fused multiply-add.
    Avx2 = 1,
    /// 512-bit vectors.
    Avx512 = 2,
}

/// Highest level to use; what the processor lacks is never used.
static LIMIT: AtomicU8 = AtomicU8::new(Level::Avx512 as u8);

/// Use at most this instruction set from now on, in the whole process (for tests and to find faults).
pub fn limit_level(level: Level) {
    LIMIT.store(level as u8, Ordering::Relaxed);
}

/// The instruction set in use.
#[must_use]
pub fn level() -> Level {
    /// Asked for once: it takes five questions, and short jobs are many.
    static BEST: OnceLock<Level> = OnceLock::new();
    let best = *BEST.get_or_init(best_level);
    match LIMIT.load(Ordering::Relaxed) {
        limit if limit >= best as u8 => best,
        limit if limit == Level::Avx2 as u8 => Level::Avx2,
        _ => Level::Portable,
    }
}

/// The highest level the processor has.
fn best_level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        let fuses = is_x86_feature_detected!("fma");
        if fuses
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
        {
            return Level::Avx512;
        }
        if fuses && is_x86_feature_detected!("avx2") {
            return Level::Avx2;
        }
    }
    Level::Portable
}

/// A number, or several side by side: kernels are written once over it.
pub(crate) trait Number:
    Copy
    + Default
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
{
    /// The same value in every lane.
    fn splat(value: f64) -> Self;
    /// Square root.
    fn root(self) -> Self;
    /// The angle whose tangent it is, by the platform's mathematical library.
    fn arctangent(self) -> Self;
    /// `self * factor + summand` with one rounding.
    fn fused(self, factor: Self, summand: Self) -> Self;
    /// Without its sign.
    fn magnitude(self) -> Self;
    /// `then` where `left > right`, else `other`.
    fn if_above(left: Self, right: Self, then: Self, other: Self) -> Self;
    /// `then` where `left >= right`, else `other`.
    fn if_at_least(left: Self, right: Self, then: Self, other: Self) -> Self;
    /// `then` where `left == right`, else `other`.
    fn if_equal(left: Self, right: Self, then: Self, other: Self) -> Self;

    /// Whether all of it is [`MODERATE`].
    fn all_moderate(self) -> bool;

    /// 0 for a finite number, NaN for another: sums of it find a gap.
    #[inline(always)]
    #[expect(clippy::eq_op, reason = "inf - inf and NaN - NaN are NaN")]
    fn gap(self) -> Self {
        self - self
    }

    /// `sum` with [`Self::gap`] added.
    #[inline(always)]
    fn note_gap(self, sum: Self) -> Self {
        sum + self.gap()
    }

    /// The larger one; `self` of equals.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        Self::if_above(other, self, other, self)
    }

    /// The smaller one; `self` of equals.
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        Self::if_above(self, other, other, self)
    }

    /// `self / divisor`, to the last bit, given `share`, which is 1 / `divisor`; for whole numbers far from the limits.
    ///
    /// A level with fused steps corrects the product with what is left over, which gives the quotient's own rounding
    /// (P. W. Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor", 1990).
    #[inline(always)]
    fn over_known(self, divisor: Self, share: Self) -> Self {
        let _ = share;
        self / divisor
    }

    /// `then` where `value` is [`MODERATE`], else `other`. Ask [`Self::all_moderate`] first, and spare `other`.
    #[inline(always)]
    fn if_moderate(value: Self, then: Self, other: Self) -> Self {
        let [smallest, largest] = [Self::splat(MODERATE[0]), Self::splat(MODERATE[1])];
        Self::if_at_least(value, smallest, Self::if_at_least(largest, value, then, other), other)
    }

    /// `self / denominator`, or 0 where the denominator is 0.
    #[inline(always)]
    fn over_or_zero(self, denominator: Self) -> Self {
        Self::if_equal(denominator, Self::splat(0.0), Self::splat(0.0), self / denominator)
    }
}

impl Number for f64 {
    #[inline(always)]
    fn splat(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn arctangent(self) -> Self {
        self.atan()
    }

    #[inline(always)]
    fn fused(self, factor: Self, summand: Self) -> Self {
        self.mul_add(factor, summand)
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn if_above(left: Self, right: Self, then: Self, other: Self) -> Self {
        if left > right { then } else { other }
    }

    #[inline(always)]
    fn if_at_least(left: Self, right: Self, then: Self, other: Self) -> Self {
        if left >= right { then } else { other }
    }

    #[inline(always)]
    #[expect(clippy::float_cmp, reason = "exactly equal is what is asked")]
    fn if_equal(left: Self, right: Self, then: Self, other: Self) -> Self {
        if left == right { then } else { other }
    }

    #[inline(always)]
    fn all_moderate(self) -> bool {
        (MODERATE[0]..=MODERATE[1]).contains(&self)
    }
}

/// Eight numbers in the registers of one level.
pub(crate) trait Wide: Number {
    /// From an array, lane by lane.
    fn from_lanes(lanes: [f64; LANES]) -> Self;
    /// As an array.
    fn to_lanes(self) -> [f64; LANES];
    /// Rows to columns.
    fn transpose(rows: [Self; LANES]) -> [Self; LANES];

    /// Eight values of each of eight rows that lie `stride` apart, as columns: see [`Strands`].
    ///
    /// # Safety
    /// All of the rows can be read.
    #[expect(unsafe_code, reason = "a level may have a quicker way; called by `Strands`, which knows the bounds")]
    #[inline(always)]
    unsafe fn read_rows(first: *const f64, stride: usize) -> [Self; LANES] {
        let mut rows = [Self::default(); LANES];
        for (number, row) in rows.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *row = Self::from_lanes(unsafe { first.add(number * stride).cast::<[f64; LANES]>().read_unaligned() });
        }
        Self::transpose(rows)
    }

    /// Write columns as eight rows that lie `stride` apart: see [`StrandsMut`].
    ///
    /// # Safety
    /// All of the rows can be written.
    #[expect(unsafe_code, reason = "a level may have a quicker way; called by `StrandsMut`, which knows the bounds")]
    #[inline(always)]
    unsafe fn write_rows(columns: [Self; LANES], first: *mut f64, stride: usize) {
        for (number, row) in Self::transpose(columns).into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { first.add(number * stride).cast::<[f64; LANES]>().write_unaligned(row.to_lanes()) };
        }
    }

    /// A bit for each lane, the first lane's lowest: where `self > other`.
    #[inline(always)]
    fn bits_above(self, other: Self) -> u8 {
        bits(self, other, |left, right| left > right)
    }

    /// As [`Self::bits_above`]: where `self >= other`.
    #[inline(always)]
    fn bits_at_least(self, other: Self) -> u8 {
        bits(self, other, |left, right| left >= right)
    }

    /// As [`Self::bits_above`]: where the two are equal.
    #[inline(always)]
    #[expect(clippy::float_cmp, reason = "exactly equal is what is asked")]
    fn bits_equal(self, other: Self) -> u8 {
        bits(self, other, |left, right| left == right)
    }

    /// Every value `BY` lanes further (1, 2 or 4), and what leaves every sum as it is in the lanes before.
    #[inline(always)]
    fn shifted<const BY: usize>(self) -> Self {
        let mut out = [-0.0; LANES];
        for (slot, value) in out.iter_mut().skip(BY).zip(self.to_lanes()) {
            *slot = value;
        }
        Self::from_lanes(out)
    }

    /// The sum of all lanes up to each, by way of pairs and fours.
    #[inline(always)]
    fn prefixes(self) -> Self {
        let pairs = self + self.shifted::<1>();
        let fours = pairs + pairs.shifted::<2>();
        fours + fours.shifted::<4>()
    }

    /// The last lane in all of them.
    #[inline(always)]
    fn last(self) -> Self {
        let [.., last] = self.to_lanes();
        Self::splat(last)
    }

    /// With another value in the first lane.
    #[inline(always)]
    fn with_first(self, value: f64) -> Self {
        let [_, b, c, d, e, f, g, h] = self.to_lanes();
        Self::from_lanes([value, b, c, d, e, f, g, h])
    }
}

#[inline(always)]
fn bits<W: Wide>(left: W, right: W, holds: impl Fn(f64, f64) -> bool) -> u8 {
    let lanes = left.to_lanes().into_iter().zip(right.to_lanes()).enumerate();
    lanes.fold(0, |bits, (lane, (left, right))| bits | u8::from(holds(left, right)) << lane)
}

/// Ask for what is at a place to be brought near while something else is worked on. Any place will do, even none.
#[inline(always)]
pub(crate) fn fetch(place: *const f64) {
    #[cfg(target_arch = "x86_64")]
    x86::fetch(place);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// Work that is compiled once for each level.
pub(crate) trait Job {
    /// What it gives.
    type Output;
    /// Do it; mark the implementation `#[inline(always)]`.
    fn run<W: Wide>(self) -> Self::Output;
}

/// Run a job at the level in use.
#[inline]
pub(crate) fn dispatch<J: Job>(job: J) -> J::Output {
    dispatch_up_to(Level::Avx512, job)
}

/// Run a job at the level in use, but at none above this one.
#[inline]
pub(crate) fn dispatch_up_to<J: Job>(limit: Level, job: J) -> J::Output {
    #[cfg(target_arch = "x86_64")]
    match level().min(limit) {
        // SAFETY: `level` answers only what the processor was asked for and has.
        #[expect(unsafe_code, reason = "compiled for instructions that were just found to be there")]
        Level::Avx512 => return unsafe { x86::avx512(job) },
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "compiled for instructions that were just found to be there")]
        Level::Avx2 => return unsafe { x86::avx2(job) },
        Level::Portable => {}
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = limit;
    job.run::<Lanes>()
}

/// `+`, `-`, `*`, `/` and `+=` of a type, from a function for each.
macro_rules! arithmetic {
    ($type:ty, $add:expr, $sub:expr, $mul:expr, $div:expr) => {
        arithmetic!($type, Add, add, $add);
        arithmetic!($type, Sub, sub, $sub);
        arithmetic!($type, Mul, mul, $mul);
        arithmetic!($type, Div, div, $div);

        impl AddAssign for $type {
            #[inline(always)]
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
    };
    ($type:ty, $trait:ident, $method:ident, $function:expr) => {
        impl $trait for $type {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                $function(self, other)
            }
        }
    };
}

// Here: they use the macro.
mod portable;

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector instructions; see the SAFETY notes")]
mod x86;
