//! Where a series has a NaN or an infinity.

use super::super::simd::{Job, LANES, Wide, dispatch};

/// Index of the first bar where no input is NaN; `length` when there is none.
pub(crate) fn first_complete_bar(inputs: &[&[f64]], length: usize) -> usize {
    let mut begin = 0;
    // A later NaN in one input moves the start, which may land on a NaN of another: repeat until nothing moves.
    loop {
        let start = begin;
        for input in inputs {
            begin += input.iter().skip(begin).take_while(|value| value.is_nan()).count();
        }
        if begin == start {
            return begin.min(length);
        }
    }
}

/// The first bar from `start` on where an input is no finite number, and which input.
pub(crate) fn first_gap(inputs: &[&[f64]], start: usize) -> Option<(usize, usize)> {
    let gaps = inputs.iter().enumerate().filter_map(|(index, input)| {
        let rest = input.get(start..)?;
        first_not_finite(rest).map(|bar| (start + bar, index))
    });
    gaps.min()
}

/// Index of the first NaN or infinity.
fn first_not_finite(series: &[f64]) -> Option<usize> {
    let clean = dispatch(CleanStretches(series)).min(series.len());
    series.iter().skip(clean).position(|value| !value.is_finite()).map(|place| clean + place)
}

/// How many values from the start on are surely finite: whole stretches, and the rest behind them.
struct CleanStretches<'a>(&'a [f64]);

impl Job for CleanStretches<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<W: Wide>(self) -> usize {
        const STRETCH: usize = 128 * LANES;
        let mut clean = 0;
        for stretch in self.0.chunks_exact(STRETCH) {
            // A NaN stays in the sum.
            let mut sums = [W::default(); 4];
            for rows in stretch.as_chunks::<LANES>().0.as_chunks::<4>().0 {
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum += W::from_lanes(*row).gap();
                }
            }
            let [a, b, c, d] = sums;
            if (a + b + (c + d)).to_lanes().iter().any(|sum| *sum != 0.0) {
                break;
            }
            clean += STRETCH;
        }
        let rest = self.0.get(clean..).unwrap_or_default();
        if rest.len() < STRETCH {
            let (rows, last) = rest.as_chunks::<LANES>();
            let mut sum = W::default();
            for row in rows {
                sum += W::from_lanes(*row).gap();
            }
            let finite = last.iter().all(|value| value.is_finite());
            if finite && sum.to_lanes().iter().all(|sum| *sum == 0.0) {
                clean += rest.len();
            }
        }
        clean
    }
}
