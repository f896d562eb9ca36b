//! Rolling maximum and minimum by van Herk's blocks: three comparisons a value for every period.
//!
//! M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels", 1992.
//! A window spans at most two neighbouring blocks of `period` values: its extreme is that of a suffix of the one and a
//! prefix of the other. A window that holds a NaN is NaN.

/// Rolling maximum.
pub(crate) fn above(left: f64, right: f64) -> bool {
    left > right
}

/// Rolling minimum.
pub(crate) fn below(left: f64, right: f64) -> bool {
    left < right
}

/// Rolling extreme of each window of `period` values; `out[j]` belongs to `real[j..j + period]`.
///
/// `beats(a, b)` tells whether `a` is more extreme than `b`.
#[inline]
pub(crate) fn rolling(real: &[f64], period: usize, beats: impl Fn(f64, f64) -> bool, out: &mut [f64]) {
    // Without NaN a comparison and a choice are one instruction.
    if real.iter().any(|value| value.is_nan()) {
        in_blocks(real, period, |left, right| if left.is_nan() || beats(left, right) { left } else { right }, out);
    } else {
        in_blocks(real, period, |left, right| if beats(left, right) { left } else { right }, out);
    }
}

#[inline]
fn in_blocks(real: &[f64], period: usize, pick: impl Fn(f64, f64) -> f64, out: &mut [f64]) {
    let mut suffix = vec![0.0; period];
    let mut blocks = real.chunks(period);
    let mut block = blocks.next().unwrap_or_default();
    // The first slot of each stretch is the window that is `block` itself, the others reach into the next block.
    for slots in out.chunks_mut(period) {
        let mut best = block.last().copied().unwrap_or(f64::NAN);
        for (slot, &value) in suffix.iter_mut().zip(block).rev() {
            best = pick(value, best);
            *slot = best;
        }
        let next = blocks.next().unwrap_or_default();
        let mut prefix = next.first().copied().unwrap_or(f64::NAN);
        let mut slots = slots.iter_mut();
        if let Some(slot) = slots.next() {
            *slot = best;
        }
        for ((slot, &value), &tail) in slots.zip(next).zip(suffix.iter().skip(1)) {
            prefix = pick(value, prefix);
            *slot = pick(tail, prefix);
        }
        block = next;
    }
}

/// As [`rolling`], in a new vector; empty when `real` is shorter than the window.
pub(crate) fn rolling_vec(real: &[f64], period: usize, beats: impl Fn(f64, f64) -> bool) -> Vec<f64> {
    let mut out = vec![0.0; (real.len() + 1).saturating_sub(period)];
    rolling(real, period, beats, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_a_rescan_for_every_period_and_length() {
        let real: Vec<f64> = (0..40_u32).map(|i| f64::from((i * 7919) % 31)).collect();
        for length in 0..real.len() {
            for period in 1..=12 {
                let real: Vec<f64> = real.iter().copied().take(length).collect();
                let rescan = |start: f64, pick: fn(f64, f64) -> f64| -> Vec<f64> {
                    real.windows(period).map(|window| window.iter().copied().fold(start, pick)).collect()
                };
                assert_eq!(rolling_vec(&real, period, above), rescan(f64::NEG_INFINITY, f64::max), "{length} {period}");
                assert_eq!(rolling_vec(&real, period, below), rescan(f64::INFINITY, f64::min), "{length} {period}");
            }
        }
    }

    #[test]
    fn a_window_with_a_nan_is_nan_and_the_next_clean_one_is_not() {
        let maxima = rolling_vec(&[1.0, 5.0, f64::NAN, 2.0, 3.0, 4.0], 2, above);
        let expected = [Some(5.0), None, None, Some(3.0), Some(4.0)];
        assert_eq!(maxima.iter().map(|value| Some(*value).filter(|v| !v.is_nan())).collect::<Vec<_>>(), expected);
    }
}
