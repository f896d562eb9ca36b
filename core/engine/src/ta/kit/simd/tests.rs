//! Every level gives the bits of single numbers.
#![expect(clippy::indexing_slicing, reason = "eight lanes, eight rows")]

use super::*;

fn value(index: usize) -> f64 {
    f64::from(u32::try_from(index * 7919 % 101).unwrap_or(0)) - 40.0
}

/// Every operation, once on eight lanes and once on each number.
struct Operations;

fn all<N: Number>(a: N, b: N, c: N) -> [N; 13] {
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
        a.arctangent(),
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
        let (left, right) = (W::from_lanes(a), W::from_lanes(b));
        for lane in 0..LANES {
            let set = |bits: u8| bits >> lane & 1 == 1;
            assert_eq!(set(left.bits_above(right)), a[lane] > b[lane], "lane {lane}");
            assert_eq!(set(left.bits_at_least(right)), a[lane] >= b[lane], "lane {lane}");
            assert_eq!(set(left.bits_equal(right)), a[lane] == b[lane], "lane {lane}");
        }
        let sizes = [1e-200, 1e200, 9e-201, 2e200, 0.0, -1.0, f64::NAN, f64::INFINITY];
        let chosen = W::if_moderate(W::from_lanes(sizes), left, right).to_lanes();
        for (lane, size) in sizes.into_iter().enumerate() {
            assert_eq!(chosen[lane], f64::if_moderate(size, a[lane], b[lane]), "lane {lane}");
            let mut lanes = [1.0; LANES];
            lanes[lane] = size;
            assert_eq!(W::from_lanes(lanes).all_moderate(), lane < 2, "lane {lane}");
            assert_eq!(size.all_moderate(), lane < 2, "{size}");
        }
        assert_eq!(W::from_lanes(a).with_first(7.0).to_lanes()[0], 7.0);
        let (moved, wide) = (Lanes(a), W::from_lanes(a));
        assert_eq!(wide.shifted::<1>().to_lanes().map(f64::to_bits), moved.shifted::<1>().0.map(f64::to_bits));
        assert_eq!(wide.shifted::<2>().to_lanes().map(f64::to_bits), moved.shifted::<2>().0.map(f64::to_bits));
        assert_eq!(wide.shifted::<4>().to_lanes().map(f64::to_bits), moved.shifted::<4>().0.map(f64::to_bits));
        assert_eq!(wide.last().to_lanes(), [a[7]; LANES]);
        let sums = std::array::from_fn(|lane| a[..=lane].iter().sum::<f64>());
        assert_eq!(wide.prefixes().to_lanes(), sums);
        let rows = std::array::from_fn(|row| W::from_lanes(lanes(row * LANES)));
        let columns = W::transpose(rows).map(Wide::to_lanes);
        for (row, values) in rows.map(Wide::to_lanes).iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                assert_eq!(columns[column][row], *value);
            }
        }
    }
}

/// Shares of whole numbers, as AROON takes them.
struct Quotients;

impl Job for Quotients {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        for divisor in (1..400).chain([4097, 65_535, 99_999, 100_000]) {
            let by = f64::from(divisor);
            for first in (0..=divisor).step_by(1 + usize::try_from(divisor).unwrap_or(0) / 60) {
                let lanes: [f64; LANES] =
                    std::array::from_fn(|lane| 100.0 * f64::from(first + u32::try_from(lane).unwrap_or(0)));
                let found = W::from_lanes(lanes).over_known(W::splat(by), W::splat(1.0 / by)).to_lanes();
                for (found, value) in found.iter().zip(lanes) {
                    assert_eq!(found.to_bits(), (value / by).to_bits(), "{value} / {by}");
                }
            }
        }
    }
}

#[test]
fn a_known_divisor_gives_the_rounding_of_a_division_at_every_level() {
    Quotients.run::<Lanes>();
    dispatch(Quotients);
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "guarded by the question whether the processor has it")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: just asked.
        unsafe { x86::avx2(Quotients) };
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
