//! SAFETY, for all of it: `Avx512` and `Avx2` are private and made only inside [`avx512`] and [`avx2`], which need
//! the features themselves, so every instruction here runs on a processor that has it. A `transmute` goes between
//! eight f64 and one 512-bit or two 256-bit registers, which are the same 64 bytes.

use std::arch::x86_64::*;
use std::mem::transmute;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

use super::{Job, LANES, MODERATE, Number, Wide};

#[inline(always)]
pub(super) fn fetch(place: *const f64) {
    // SAFETY: a prefetch reads nothing and never faults, wherever it points to; every x86-64 processor has it.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
}

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

/// What both levels make of other operations in the same way.
macro_rules! with_fused_steps {
    () => {
        #[inline(always)]
        fn over_known(self, divisor: Self, share: Self) -> Self {
            let quotient = self * share;
            let rest = quotient.fused(Self::splat(0.0) - divisor, self);
            rest.fused(share, quotient)
        }

        // Nothing times a number is nothing, but not of an infinity: one instruction where `gap` needs two.
        #[inline(always)]
        fn note_gap(self, sum: Self) -> Self {
            self.fused(Self::splat(0.0), sum)
        }

        #[inline(always)]
        fn arctangent(self) -> Self {
            Self::from_lanes(self.to_lanes().map(f64::atan))
        }

        #[inline(always)]
        fn all_moderate(self) -> bool {
            let [smallest, largest] = [Self::splat(MODERATE[0]), Self::splat(MODERATE[1])];
            self.bits_at_least(smallest) & largest.bits_at_least(self) == u8::MAX
        }
    };
}

impl Number for Avx512 {
    with_fused_steps!();

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
    with_fused_steps!();

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

/// A bit for each lane where the comparison holds.
macro_rules! bits_512 {
    ($($name:ident $comparison:ident),*) => {$(
        #[inline(always)]
        fn $name(self, other: Self) -> u8 {
            unsafe { _mm512_cmp_pd_mask::<$comparison>(self.0, other.0) }
        }
    )*};
}

macro_rules! bits_256 {
    ($($name:ident $comparison:ident),*) => {$(
        #[inline(always)]
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "four bits each")]
        fn $name(self, other: Self) -> u8 {
            unsafe {
                let low = _mm256_movemask_pd(_mm256_cmp_pd::<$comparison>(self.0, other.0));
                let high = _mm256_movemask_pd(_mm256_cmp_pd::<$comparison>(self.1, other.1));
                (low | high << 4) as u8
            }
        }
    )*};
}

impl Wide for Avx512 {
    bits_512!(bits_above _CMP_GT_OQ, bits_at_least _CMP_GE_OQ, bits_equal _CMP_EQ_OQ);

    #[inline(always)]
    fn shifted<const BY: usize>(self) -> Self {
        unsafe {
            let (values, nothing) = (_mm512_castpd_si512(self.0), _mm512_castpd_si512(_mm512_set1_pd(-0.0)));
            Self(_mm512_castsi512_pd(match BY {
                1 => _mm512_alignr_epi64::<7>(values, nothing),
                2 => _mm512_alignr_epi64::<6>(values, nothing),
                _ => _mm512_alignr_epi64::<4>(values, nothing),
            }))
        }
    }

    #[inline(always)]
    fn last(self) -> Self {
        unsafe { Self(_mm512_permutexvar_pd(_mm512_set1_epi64(7), self.0)) }
    }

    #[inline(always)]
    fn from_lanes(lanes: [f64; LANES]) -> Self {
        unsafe { transmute(lanes) }
    }

    #[inline(always)]
    fn to_lanes(self) -> [f64; LANES] {
        unsafe { transmute(self) }
    }

    /// Half rows are put together while they are loaded, which the shuffling unit has no part in: two steps are left.
    // Macros, not closures: a closure is not compiled for the instructions of the function it stands in.
    #[inline(always)]
    unsafe fn read_rows(first: *const f64, stride: usize) -> [Self; LANES] {
        macro_rules! halves {
            ($row:expr, $from:expr) => {{
                let (low, high) = (first.add($row * stride + $from), first.add(($row + 2) * stride + $from));
                _mm512_insertf64x4::<1>(_mm512_castpd256_pd512(_mm256_loadu_pd(low)), _mm256_loadu_pd(high))
            }};
        }
        macro_rules! four {
            ($from:expr) => {{
                let (a, b) = (halves!(0, $from), halves!(1, $from));
                let (c, d) = (halves!(4, $from), halves!(5, $from));
                let (even, odd) = (_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
                let (later_even, later_odd) = (_mm512_unpacklo_pd(c, d), _mm512_unpackhi_pd(c, d));
                (
                    Self(_mm512_shuffle_f64x2(even, later_even, 0x88)),
                    Self(_mm512_shuffle_f64x2(odd, later_odd, 0x88)),
                    Self(_mm512_shuffle_f64x2(even, later_even, 0xdd)),
                    Self(_mm512_shuffle_f64x2(odd, later_odd, 0xdd)),
                )
            }};
        }
        // SAFETY: the caller promises that all rows can be read.
        unsafe {
            let ((a, b, c, d), (e, f, g, h)) = (four!(0), four!(4));
            [a, b, c, d, e, f, g, h]
        }
    }

    /// As [`Self::read_rows`], the other way round: halves are taken apart while they are stored.
    #[inline(always)]
    unsafe fn write_rows([a, b, c, d, e, f, g, h]: [Self; LANES], first: *mut f64, stride: usize) {
        macro_rules! put {
            ($row:expr, $from:expr, $two:expr) => {{
                let two = $two;
                _mm256_storeu_pd(first.add($row * stride + $from), _mm512_castpd512_pd256(two));
                _mm256_storeu_pd(first.add(($row + 2) * stride + $from), _mm512_extractf64x4_pd::<1>(two));
            }};
        }
        macro_rules! four {
            ($from:expr, $a:ident, $b:ident, $c:ident, $d:ident, $low:ident, $high:ident) => {{
                let (even, odd) = (_mm512_unpacklo_pd($a.0, $b.0), _mm512_unpackhi_pd($a.0, $b.0));
                let (later_even, later_odd) = (_mm512_unpacklo_pd($c.0, $d.0), _mm512_unpackhi_pd($c.0, $d.0));
                put!(0, $from, _mm512_permutex2var_pd(even, $low, later_even));
                put!(1, $from, _mm512_permutex2var_pd(odd, $low, later_odd));
                put!(4, $from, _mm512_permutex2var_pd(even, $high, later_even));
                put!(5, $from, _mm512_permutex2var_pd(odd, $high, later_odd));
            }};
        }
        // SAFETY: the caller promises that all rows can be written.
        unsafe {
            let low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
            let high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
            four!(0, a, b, c, d, low, high);
            four!(4, e, f, g, h, low, high);
        }
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
    bits_256!(bits_above _CMP_GT_OQ, bits_at_least _CMP_GE_OQ, bits_equal _CMP_EQ_OQ);

    #[inline(always)]
    fn shifted<const BY: usize>(self) -> Self {
        unsafe {
            let nothing = _mm256_set1_pd(-0.0);
            match BY {
                1 => {
                    let (low, high) = (_mm256_permute4x64_pd::<0x90>(self.0), _mm256_permute4x64_pd::<0x90>(self.1));
                    let carried = _mm256_permute4x64_pd::<0xff>(self.0);
                    Self(_mm256_blend_pd::<1>(low, nothing), _mm256_blend_pd::<1>(high, carried))
                }
                2 => Self(
                    _mm256_permute2f128_pd::<0x20>(nothing, self.0),
                    _mm256_permute2f128_pd::<0x21>(self.0, self.1),
                ),
                _ => Self(nothing, self.0),
            }
        }
    }

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
        [Self(l0, h0), Self(l1, h1), Self(l2, h2), Self(l3, h3), Self(l4, h4), Self(l5, h5), Self(l6, h6), Self(l7, h7)]
    }
}
