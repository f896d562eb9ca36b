//! Running totals and arithmetic on rows, for whole series.
//!
//! A total that only grows is a chain of additions. Taken in blocks it is not: within a block the sum starts at 0, and the
//! total before the block is added to it. That is also the more exact way, since small numbers meet small sums.
#![expect(clippy::indexing_slicing, reason = "blocks and rows of fixed size, cut to length before the loops")]

use serde::{Deserialize, Serialize};

use super::TaError;
use super::simd::{Job, LANES, Number, Wide, dispatch};

/// Values of a block.
const BLOCK: usize = 256;

/// The total of all values so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Total {
    before: f64,
    block: f64,
    count: usize,
}

impl Total {
    /// The total with one more value.
    #[inline(always)]
    pub(crate) fn next(&mut self, value: f64) -> f64 {
        self.block += value;
        self.count += 1;
        let total = self.before + self.block;
        if self.count == BLOCK {
            (self.before, self.block, self.count) = (total, 0.0, 0);
        }
        total
    }
}

/// Values worked on at a time: few enough to stay in the nearest cache from one step to the next.
pub(crate) const CHUNK: usize = BLOCK * LANES;

/// Each value becomes the total up to it, with the bits of [`Total`]; `total` goes on from chunk to chunk.
///
/// All chunks but the last have [`CHUNK`] values.
pub(crate) fn accumulate(total: &mut Total, values: &mut [f64]) {
    let mut groups = values.chunks_exact_mut(BLOCK * LANES);
    for group in &mut groups {
        total.before = dispatch(Prefixes { before: total.before, values: group });
    }
    for value in groups.into_remainder() {
        *value = total.next(*value);
    }
}

/// Totals of eight blocks: first within each, side by side, then on top of the block before.
struct Prefixes<'a> {
    before: f64,
    values: &'a mut [f64],
}

impl Job for Prefixes<'_> {
    /// The total at the end.
    type Output = f64;

    #[inline(always)]
    fn run<W: Wide>(self) -> f64 {
        let Self { mut before, values } = self;
        let mut sums = W::default();
        for at in (0..BLOCK).step_by(LANES) {
            let mut rows = [W::default(); LANES];
            for lane in 0..LANES {
                let mut row = [0.0; LANES];
                row.copy_from_slice(&values[lane * BLOCK + at..][..LANES]);
                rows[lane] = W::from_lanes(row);
            }
            let mut columns = W::transpose(rows);
            for column in &mut columns {
                sums += *column;
                *column = sums;
            }
            let rows = W::transpose(columns);
            for lane in 0..LANES {
                values[lane * BLOCK + at..][..LANES].copy_from_slice(&rows[lane].to_lanes());
            }
        }
        for block in values.chunks_exact_mut(BLOCK) {
            let base = W::splat(before);
            for slots in block.as_chunks_mut::<LANES>().0 {
                *slots = (W::from_lanes(*slots) + base).to_lanes();
            }
            before = block[BLOCK - 1];
        }
        before
    }
}

/// The values of one chunk of every series.
pub(crate) fn chunk_of<'a, const I: usize>(inputs: &[&'a [f64]; I], chunk: usize) -> [&'a [f64]; I] {
    inputs.map(|input| {
        let from = (chunk * CHUNK).min(input.len());
        &input[from..(from + CHUNK).min(input.len())]
    })
}

/// Arithmetic on one bar of `I` series.
pub(crate) trait Each<const I: usize>: Copy {
    /// Mark it `#[inline(always)]`.
    fn of<N: Number>(&self, bar: [N; I]) -> N;
}

/// `out[bar]` for every bar of series that are at least as long.
///
/// # Errors
/// [`TaError::NotClean`] when a value read is not finite; what was written means nothing then.
pub(crate) fn each<E: Each<I>, const I: usize>(
    arithmetic: E,
    inputs: [&[f64]; I],
    out: &mut [f64],
) -> Result<(), TaError> {
    if dispatch(Rows { arithmetic, inputs, out }) { Ok(()) } else { Err(TaError::NotClean) }
}

struct Rows<'a, E, const I: usize> {
    arithmetic: E,
    inputs: [&'a [f64]; I],
    out: &'a mut [f64],
}

impl<E: Each<I>, const I: usize> Job for Rows<'_, E, I> {
    /// Whether all values read are finite.
    type Output = bool;

    #[inline(always)]
    fn run<W: Wide>(self) -> bool {
        let Self { arithmetic, inputs, out } = self;
        let length = inputs.iter().map(|input| input.len()).fold(out.len(), usize::min);
        let whole = length / LANES * LANES;
        // A sum for each input, so that none waits for another.
        let (mut gaps, mut clean) = ([W::default(); I], true);
        for at in (0..whole).step_by(LANES) {
            let mut bar = [W::default(); I];
            for input in 0..I {
                let mut row = [0.0; LANES];
                row.copy_from_slice(&inputs[input][at..][..LANES]);
                bar[input] = W::from_lanes(row);
                gaps[input] += bar[input].gap();
            }
            out[at..][..LANES].copy_from_slice(&arithmetic.of(bar).to_lanes());
        }
        for at in whole..length {
            let mut bar = [0.0; I];
            for input in 0..I {
                bar[input] = inputs[input][at];
                clean &= bar[input].is_finite();
            }
            out[at] = arithmetic.of(bar);
        }
        clean && gaps.map(W::to_lanes).iter().flatten().all(|sum| *sum == 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_of_totals_has_the_bits_of_the_running_one() {
        for length in [0, 1, 255, 256, 257, 2048, 8192, 20000] {
            let values: Vec<f64> = (0..length).map(|i: u32| f64::from((i * 7919) % 101) * 0.1 - 3.0).collect();
            let mut total = Total::default();
            let one_by_one: Vec<u64> = values.iter().map(|value| total.next(*value).to_bits()).collect();
            let mut whole = values.clone();
            let mut running = Total::default();
            whole.chunks_mut(CHUNK).for_each(|chunk| accumulate(&mut running, chunk));
            assert_eq!(whole.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), one_by_one);
            let plain: f64 = values.iter().sum();
            assert!((whole.last().copied().unwrap_or(0.0) - plain).abs() < 1e-9);
        }
    }
}
