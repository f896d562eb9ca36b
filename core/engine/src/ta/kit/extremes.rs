//! Rolling maximum and minimum by van Herk's blocks: three comparisons a value for every period.
//!
//! M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels", 1992.
//! A window spans at most two neighbouring blocks of `period` values: its extreme is that of a suffix of the one and a
//! prefix of the other. A window that holds a NaN is NaN.

/// Whether the first value replaces the second.
pub(crate) type Beats = fn(f64, f64) -> bool;

/// For the rolling maximum.
pub(crate) fn above(left: f64, right: f64) -> bool {
    left > right
}

/// For the rolling minimum.
pub(crate) fn below(left: f64, right: f64) -> bool {
    left < right
}

/// Rolling extreme of each window of `period` values; `out[j]` belongs to `real[j..j + period]`.
#[inline]
pub(crate) fn rolling(real: &[f64], period: usize, beats: impl Fn(f64, f64) -> bool, out: &mut [f64]) {
    let pick = |left: f64, right: f64| if left.is_nan() || beats(left, right) { left } else { right };
    let mut suffix = vec![0.0; period];
    let mut slots = out.iter_mut();
    let mut blocks = real.chunks(period).peekable();
    while let Some(block) = blocks.next() {
        let mut best = f64::NAN;
        for (index, (slot, &value)) in suffix.iter_mut().zip(block).rev().enumerate() {
            best = if index == 0 { value } else { pick(value, best) };
            *slot = best;
        }
        if block.len() < period {
            return;
        }
        // The window that is the block itself, then those reaching into the next block.
        if let (Some(slot), Some(&whole)) = (slots.next(), suffix.first()) {
            *slot = whole;
        }
        let next = blocks.peek().copied().unwrap_or_default();
        let mut prefix = f64::NAN;
        for (index, (&value, &tail)) in next.iter().zip(suffix.iter().skip(1)).enumerate() {
            prefix = if index == 0 { value } else { pick(prefix, value) };
            if let Some(slot) = slots.next() {
                *slot = pick(prefix, tail);
            }
        }
    }
}

/// As [`rolling`], in a new vector; empty when `real` is shorter than the window.
pub(crate) fn rolling_vec(real: &[f64], period: usize, beats: Beats) -> Vec<f64> {
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
