//! Eight numbers at a time, and the choice of instruction set while running. The only module with `unsafe` in it.
//!
//! Kernels are written once over [`Number`] and compiled for `f64` and for eight lanes at each [`Level`]: one register of
//! 512 bits, two of 256, or an array. Each operation is one IEEE operation, fused only where it says so, so all levels give the same
//! bits.

use std::ops::{Add, AddAssign, Div, Mul, Sub};
use std::sync::atomic::{AtomicU8, Ordering};

/// Numbers side by side.
pub(crate) const LANES: usize = 8;

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
    let limit = LIMIT.load(Ordering::Relaxed);
    #[cfg(target_arch = "x86_64")]
    {
        if limit >= Level::Avx512 as u8
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("fma")
        {
            return Level::Avx512;
        }
        if limit >= Level::Avx2 as u8 && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Level::Avx2;
        }
    }
    let _ = limit;
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

    /// 0 for a finite number, NaN for another: sums of it find a gap.
    #[inline(always)]
    #[expect(clippy::eq_op, reason = "inf - inf and NaN - NaN are NaN")]
    fn gap(self) -> Self {
        self - self
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
}

/// Eight numbers in the registers of one level.
pub(crate) trait Wide: Number {
    /// From an array, lane by lane.
    fn from_lanes(lanes: [f64; LANES]) -> Self;
    /// As an array.
    fn to_lanes(self) -> [f64; LANES];
    /// Rows to columns.
    fn transpose(rows: [Self; LANES]) -> [Self; LANES];

    /// With another value in the first lane.
    #[inline(always)]
    fn with_first(self, value: f64) -> Self {
        let [_, b, c, d, e, f, g, h] = self.to_lanes();
        Self::from_lanes([value, b, c, d, e, f, g, h])
    }
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
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` answers only what the processor was asked for and has.
        #[expect(unsafe_code, reason = "compiled for instructions that were just found to be there")]
        Level::Avx512 => return unsafe { x86::avx512(job) },
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "compiled for instructions that were just found to be there")]
        Level::Avx2 => return unsafe { x86::avx2(job) },
        Level::Portable => {}
    }
    job.run::<Lanes>()
}

/// Eight numbers on any processor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lanes([f64; LANES]);

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

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector instructions; see the SAFETY notes")]
mod x86 {
    //! SAFETY, for all of it: `Avx512` and `Avx2` are private and made only inside [`avx512`] and [`avx2`], which need
    //! the features themselves, so every instruction here runs on a processor that has it. A `transmute` goes between
    //! eight f64 and one 512-bit or two 256-bit registers, which are the same 64 bytes.

    use std::arch::x86_64::*;
    use std::mem::transmute;
    use std::ops::{Add, AddAssign, Div, Mul, Sub};

    use super::{Job, LANES, Number, Wide};

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,fma")]
    pub(super) fn avx512<J: Job>(job: J) -> J::Output {
        job.run::<Avx512>()
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2<J: Job>(job: J) -> J::Output {
        job.run::<Avx2>()
    }

    /// One register.
    #[derive(Clone, Copy)]
    struct Avx512(__m512d);

    /// Two registers.
    #[derive(Clone, Copy)]
    struct Avx2(__m256d, __m256d);

    macro_rules! both {
        ($function:ident) => {
            |a: Avx2, b: Avx2| unsafe { Avx2($function(a.0, b.0), $function(a.1, b.1)) }
        };
    }

    macro_rules! one {
        ($function:ident) => {
            |a: Avx512, b: Avx512| unsafe { Avx512($function(a.0, b.0)) }
        };
    }

    arithmetic!(Avx512, one!(_mm512_add_pd), one!(_mm512_sub_pd), one!(_mm512_mul_pd), one!(_mm512_div_pd));
    arithmetic!(Avx2, both!(_mm256_add_pd), both!(_mm256_sub_pd), both!(_mm256_mul_pd), both!(_mm256_div_pd));

    impl Default for Avx512 {
        #[inline(always)]
        fn default() -> Self {
            Self::splat(0.0)
        }
    }

    impl Default for Avx2 {
        #[inline(always)]
        fn default() -> Self {
            Self::splat(0.0)
        }
    }

    /// `then` where the comparison holds.
    macro_rules! choose_512 {
        ($name:ident, $comparison:ident) => {
            #[inline(always)]
            fn $name(left: Self, right: Self, then: Self, other: Self) -> Self {
                unsafe {
                    let mask = _mm512_cmp_pd_mask::<$comparison>(left.0, right.0);
                    Self(_mm512_mask_blend_pd(mask, other.0, then.0))
                }
            }
        };
    }

    macro_rules! choose_256 {
        ($name:ident, $comparison:ident) => {
            #[inline(always)]
            fn $name(left: Self, right: Self, then: Self, other: Self) -> Self {
                unsafe {
                    let low = _mm256_cmp_pd::<$comparison>(left.0, right.0);
                    let high = _mm256_cmp_pd::<$comparison>(left.1, right.1);
                    Self(_mm256_blendv_pd(other.0, then.0, low), _mm256_blendv_pd(other.1, then.1, high))
                }
            }
        };
    }

    impl Number for Avx512 {
        #[inline(always)]
        fn splat(value: f64) -> Self {
            unsafe { Self(_mm512_set1_pd(value)) }
        }

        #[inline(always)]
        fn root(self) -> Self {
            unsafe { Self(_mm512_sqrt_pd(self.0)) }
        }

        #[inline(always)]
        fn fused(self, factor: Self, summand: Self) -> Self {
            unsafe { Self(_mm512_fmadd_pd(self.0, factor.0, summand.0)) }
        }

        #[inline(always)]
        fn magnitude(self) -> Self {
            unsafe { Self(_mm512_abs_pd(self.0)) }
        }

        // The instructions answer their second operand for equals and for NaN, as the comparisons do.
        #[inline(always)]
        fn larger(self, other: Self) -> Self {
            unsafe { Self(_mm512_max_pd(other.0, self.0)) }
        }

        #[inline(always)]
        fn smaller(self, other: Self) -> Self {
            unsafe { Self(_mm512_min_pd(other.0, self.0)) }
        }

        choose_512!(if_above, _CMP_GT_OQ);
        choose_512!(if_at_least, _CMP_GE_OQ);
        choose_512!(if_equal, _CMP_EQ_OQ);
    }

    impl Number for Avx2 {
        #[inline(always)]
        fn splat(value: f64) -> Self {
            unsafe { Self(_mm256_set1_pd(value), _mm256_set1_pd(value)) }
        }

        #[inline(always)]
        fn root(self) -> Self {
            unsafe { Self(_mm256_sqrt_pd(self.0), _mm256_sqrt_pd(self.1)) }
        }

        #[inline(always)]
        fn fused(self, factor: Self, summand: Self) -> Self {
            unsafe { Self(_mm256_fmadd_pd(self.0, factor.0, summand.0), _mm256_fmadd_pd(self.1, factor.1, summand.1)) }
        }

        #[inline(always)]
        fn magnitude(self) -> Self {
            unsafe {
                let sign = _mm256_set1_pd(-0.0);
                Self(_mm256_andnot_pd(sign, self.0), _mm256_andnot_pd(sign, self.1))
            }
        }

        #[inline(always)]
        fn larger(self, other: Self) -> Self {
            unsafe { Self(_mm256_max_pd(other.0, self.0), _mm256_max_pd(other.1, self.1)) }
        }

        #[inline(always)]
        fn smaller(self, other: Self) -> Self {
            unsafe { Self(_mm256_min_pd(other.0, self.0), _mm256_min_pd(other.1, self.1)) }
        }

        choose_256!(if_above, _CMP_GT_OQ);
        choose_256!(if_at_least, _CMP_GE_OQ);
        choose_256!(if_equal, _CMP_EQ_OQ);
    }

    impl Wide for Avx512 {
        #[inline(always)]
        fn from_lanes(lanes: [f64; LANES]) -> Self {
            unsafe { transmute(lanes) }
        }

        #[inline(always)]
        fn to_lanes(self) -> [f64; LANES] {
            unsafe { transmute(self) }
        }

        #[inline(always)]
        fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
            let [r0, r1, r2, r3, r4, r5, r6, r7] = rows.map(|row| row.0);
            unsafe {
                // Pairs of rows: even columns, odd columns.
                let (a0, a1) = (_mm512_unpacklo_pd(r0, r1), _mm512_unpackhi_pd(r0, r1));
                let (a2, a3) = (_mm512_unpacklo_pd(r2, r3), _mm512_unpackhi_pd(r2, r3));
                let (a4, a5) = (_mm512_unpacklo_pd(r4, r5), _mm512_unpackhi_pd(r4, r5));
                let (a6, a7) = (_mm512_unpacklo_pd(r6, r7), _mm512_unpackhi_pd(r6, r7));
                // Fours of rows: 128-bit parts 0 and 2 (0x88), 1 and 3 (0xdd) of each.
                let (b0, b1) = (_mm512_shuffle_f64x2(a0, a2, 0x88), _mm512_shuffle_f64x2(a4, a6, 0x88));
                let (b2, b3) = (_mm512_shuffle_f64x2(a0, a2, 0xdd), _mm512_shuffle_f64x2(a4, a6, 0xdd));
                let (b4, b5) = (_mm512_shuffle_f64x2(a1, a3, 0x88), _mm512_shuffle_f64x2(a5, a7, 0x88));
                let (b6, b7) = (_mm512_shuffle_f64x2(a1, a3, 0xdd), _mm512_shuffle_f64x2(a5, a7, 0xdd));
                [
                    Self(_mm512_shuffle_f64x2(b0, b1, 0x88)),
                    Self(_mm512_shuffle_f64x2(b4, b5, 0x88)),
                    Self(_mm512_shuffle_f64x2(b2, b3, 0x88)),
                    Self(_mm512_shuffle_f64x2(b6, b7, 0x88)),
                    Self(_mm512_shuffle_f64x2(b0, b1, 0xdd)),
                    Self(_mm512_shuffle_f64x2(b4, b5, 0xdd)),
                    Self(_mm512_shuffle_f64x2(b2, b3, 0xdd)),
                    Self(_mm512_shuffle_f64x2(b6, b7, 0xdd)),
                ]
            }
        }
    }

    #[inline(always)]
    fn transpose_four([a, b, c, d]: [__m256d; 4]) -> [__m256d; 4] {
        unsafe {
            let (p, q) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (r, s) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            [
                _mm256_permute2f128_pd(p, r, 0x20),
                _mm256_permute2f128_pd(q, s, 0x20),
                _mm256_permute2f128_pd(p, r, 0x31),
                _mm256_permute2f128_pd(q, s, 0x31),
            ]
        }
    }

    impl Wide for Avx2 {
        #[inline(always)]
        fn from_lanes([a, b, c, d, e, f, g, h]: [f64; LANES]) -> Self {
            unsafe { Self(transmute::<[f64; 4], __m256d>([a, b, c, d]), transmute::<[f64; 4], __m256d>([e, f, g, h])) }
        }

        #[inline(always)]
        fn to_lanes(self) -> [f64; LANES] {
            unsafe { transmute([self.0, self.1]) }
        }

        #[inline(always)]
        fn transpose([a, b, c, d, e, f, g, h]: [Self; LANES]) -> [Self; LANES] {
            let ([l0, l1, l2, l3], [h0, h1, h2, h3]) =
                (transpose_four([a.0, b.0, c.0, d.0]), transpose_four([e.0, f.0, g.0, h.0]));
            let ([l4, l5, l6, l7], [h4, h5, h6, h7]) =
                (transpose_four([a.1, b.1, c.1, d.1]), transpose_four([e.1, f.1, g.1, h.1]));
            [
                Self(l0, h0),
                Self(l1, h1),
                Self(l2, h2),
                Self(l3, h3),
                Self(l4, h4),
                Self(l5, h5),
                Self(l6, h6),
                Self(l7, h7),
            ]
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "eight lanes, eight rows")]
mod tests {
    use super::*;

    fn value(index: usize) -> f64 {
        f64::from(u32::try_from(index * 7919 % 101).unwrap_or(0)) - 40.0
    }

    /// Every operation, once on eight lanes and once on each number.
    struct Operations;

    fn all<N: Number>(a: N, b: N, c: N) -> [N; 12] {
        let mut sum = a;
        sum += b;
        [
            sum,
            a - b,
            a * b,
            a / b,
            c.magnitude().root(),
            a.larger(b),
            a.smaller(b),
            N::if_above(a, b, c, a),
            N::if_at_least(a, b, c, a),
            N::if_equal(a, b, c, a),
            a.over_or_zero(b),
            a.fused(b, c),
        ]
    }

    impl Job for Operations {
        type Output = ();

        #[inline(always)]
        fn run<W: Wide>(self) {
            let lanes = |from: usize| -> [f64; LANES] { std::array::from_fn(|lane| value(from + lane)) };
            let (mut a, mut b, c) = (lanes(0), lanes(8), lanes(16));
            (a[3], b[3], b[5]) = (2.5, 2.5, 0.0);
            let wide = all(W::from_lanes(a), W::from_lanes(b), W::from_lanes(c)).map(Wide::to_lanes);
            for lane in 0..LANES {
                for (operation, single) in all(a[lane], b[lane], c[lane]).iter().enumerate() {
                    assert_eq!(wide[operation][lane].to_bits(), single.to_bits(), "{operation} lane {lane}");
                }
            }
            assert_eq!(W::from_lanes(a).with_first(7.0).to_lanes()[0], 7.0);
            let rows = std::array::from_fn(|row| W::from_lanes(lanes(row * LANES)));
            let columns = W::transpose(rows).map(Wide::to_lanes);
            for (row, values) in rows.map(Wide::to_lanes).iter().enumerate() {
                for (column, value) in values.iter().enumerate() {
                    assert_eq!(columns[column][row], *value);
                }
            }
        }
    }

    #[test]
    fn every_level_computes_what_single_numbers_do() {
        Operations.run::<Lanes>();
        dispatch(Operations);
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "guarded by the question whether the processor has it")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: just asked.
            unsafe { x86::avx2(Operations) };
        }
    }
}
