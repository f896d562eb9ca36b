//! Running totals and arithmetic on rows, for whole series.
//!
//! A total that only grows is a chain of additions. Taken in blocks of eight it is not: within a block the sums are made
//! of pairs and fours, and the total before the block is added to them. That is also the more exact way, since small
//! numbers meet small sums.
#![expect(clippy::indexing_slicing, reason = "blocks and rows of fixed size, cut to length before the loops")]

use serde::{Deserialize, Serialize};

use super::TaError;
use super::simd::{Job, LANES, Level, Number, Wide, dispatch, dispatch_up_to};
use super::windows::NOTHING;

/// Values of a block.
pub(crate) const BLOCK: usize = LANES;

/// The total of all values so far, in the steps of [`Wide::prefixes`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Total {
    before: f64,
    /// The value before in its block.
    last: f64,
    /// Sums of two and of four values, or as many as there are, of the block so far.
    pairs: [f64; BLOCK],
    fours: [f64; BLOCK],
    count: usize,
}

impl Default for Total {
    fn default() -> Self {
        Self { before: 0.0, last: NOTHING, pairs: [NOTHING; BLOCK], fours: [NOTHING; BLOCK], count: 0 }
    }
}

impl Total {
    /// The total with one more value.
    #[inline]
    pub(crate) fn next(&mut self, value: f64) -> f64 {
        let at = self.count;
        let earlier = |sums: &[f64; BLOCK], by: usize| if at < by { NOTHING } else { sums[at - by] };
        let pair = value + self.last;
        let four = pair + earlier(&self.pairs, 2);
        let total = self.before + (four + earlier(&self.fours, 4));
        if at + 1 == BLOCK {
            *self = Self { before: total, ..Self::default() };
        } else {
            (self.last, self.pairs[at], self.fours[at]) = (value, pair, four);
            self.count += 1;
        }
        total
    }
}

/// What of a bar is added up, `K` numbers, and what is shown of the totals.
pub(crate) trait Flows<const I: usize, const K: usize>: Copy {
    /// Of a bar. Mark it `#[inline(always)]`.
    fn of_bar<N: Number>(&self, bar: [N; I]) -> [N; K];

    /// Of the totals up to it. Mark it `#[inline(always)]`.
    fn shown<N: Number>(&self, totals: [N; K]) -> N;
}

/// What `flows` shows of its running totals, for series as long as `out`; `totals` go on from call to call. All calls
/// but the last take a multiple of [`BLOCK`] bars.
///
/// Whether all that is shown is finite.
///
/// # Errors
/// [`TaError::NotClean`] when a value read is not finite; what was written means nothing then.
pub(crate) fn flow_totals<F: Flows<I, K>, const I: usize, const K: usize>(
    flows: F,
    bars: [&[f64]; I],
    totals: &mut [Total; K],
    out: &mut [f64],
) -> Result<bool, TaError> {
    let length = bars.iter().map(|series| series.len()).fold(out.len(), usize::min);
    let (whole, rest) = out.split_at_mut(length).0.split_at_mut(length / BLOCK * BLOCK);
    let from = whole.len();
    let before = totals.each_ref().map(|total| total.before);
    let (before, mut finite) = dispatch(FlowTotals { flows, bars, before, out: whole }).ok_or(TaError::NotClean)?;
    for (total, before) in totals.iter_mut().zip(before) {
        total.before = before;
    }
    let mut clean = true;
    for (bar, slot) in (from..).zip(rest) {
        let bar = bars.map(|series| series[bar]);
        clean &= bar.iter().all(|value| value.is_finite());
        let mut sums = flows.of_bar(bar);
        for (sum, total) in sums.iter_mut().zip(totals.iter_mut()) {
            *sum = total.next(*sum);
        }
        *slot = flows.shown(sums);
        finite &= slot.is_finite();
    }
    if clean { Ok(finite) } else { Err(TaError::NotClean) }
}

struct FlowTotals<'a, F, const I: usize, const K: usize> {
    flows: F,
    bars: [&'a [f64]; I],
    before: [f64; K],
    out: &'a mut [f64],
}

impl<F: Flows<I, K>, const I: usize, const K: usize> Job for FlowTotals<'_, F, I, K> {
    /// The totals at the end, and whether all that was shown is finite; none when a value read is not.
    type Output = Option<([f64; K], bool)>;

    #[inline(always)]
    fn run<W: Wide>(self) -> Self::Output {
        let Self { flows, bars, before, out } = self;
        let (mut gaps, mut shown_gaps) = ([W::default(); I], W::default());
        let mut totals = [W::default(); K];
        for total in 0..K {
            totals[total] = W::splat(before[total]);
        }
        let blocks = out.as_chunks_mut::<BLOCK>().0;
        let mut series: [&[[f64; BLOCK]]; I] = [&[]; I];
        for input in 0..I {
            series[input] = bars[input].as_chunks::<BLOCK>().0.get(..blocks.len())?;
        }
        for (block, slots) in blocks.iter_mut().enumerate() {
            let mut bar = [W::default(); I];
            for input in 0..I {
                bar[input] = W::from_lanes(series[input][block]);
                gaps[input] = bar[input].note_gap(gaps[input]);
            }
            let mut sums = flows.of_bar(bar);
            for total in 0..K {
                sums[total] = totals[total] + sums[total].prefixes();
                totals[total] = sums[total].last();
            }
            let shown = flows.shown(sums);
            shown_gaps = shown.note_gap(shown_gaps);
            *slots = shown.to_lanes();
        }
        let mut after = [0.0; K];
        for total in 0..K {
            [after[total], ..] = totals[total].to_lanes();
        }
        let clean = |sums: W| sums.to_lanes().iter().all(|sum| *sum == 0.0);
        gaps.iter().all(|sums| clean(*sums)).then(|| (after, clean(shown_gaps)))
    }
}

/// At most `count` values of every series from a bar on.
pub(crate) fn from_on<'a, const I: usize>(inputs: &[&'a [f64]; I], bar: usize, count: usize) -> [&'a [f64]; I] {
    inputs.map(|input| {
        let from = bar.min(input.len());
        &input[from..from.saturating_add(count).min(input.len())]
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
    // Nearly nothing but reading and writing, where a register that crosses a line of the cache costs most.
    if dispatch_up_to(Level::Avx2, Rows { arithmetic, inputs, out }) { Ok(()) } else { Err(TaError::NotClean) }
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
        // Up to where a line of the cache begins, so that no register is written across two.
        let lead = out.as_ptr().align_offset(size_of::<[f64; LANES]>()).min(length);
        let (head, slots) = out.split_at_mut(length).0.split_at_mut(lead);
        let (blocks, rest) = slots.as_chunks_mut::<LANES>();
        let mut series: [&[[f64; LANES]]; I] = [&[]; I];
        for input in 0..I {
            // As long as the blocks, which spares a check in each of them.
            series[input] = &inputs[input][lead..].as_chunks::<LANES>().0[..blocks.len()];
        }
        // A sum for each input, so that none waits for another.
        let (mut gaps, mut clean) = ([W::default(); I], true);
        for (block, slots) in blocks.iter_mut().enumerate() {
            let mut bar = [W::default(); I];
            for input in 0..I {
                bar[input] = W::from_lanes(series[input][block]);
                gaps[input] = bar[input].note_gap(gaps[input]);
            }
            *slots = arithmetic.of(bar).to_lanes();
        }
        for (at, slot) in (0..).zip(head).chain((length - rest.len()..).zip(rest)) {
            let mut bar = [0.0; I];
            for input in 0..I {
                bar[input] = inputs[input][at];
                clean &= bar[input].is_finite();
            }
            *slot = arithmetic.of(bar);
        }
        clean && gaps.map(W::to_lanes).iter().flatten().all(|sum| *sum == 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_the_sum_of_what_was_given() {
        let mut total = Total::default();
        let mut plain = 0.0;
        for i in 0..1000_u32 {
            let value = f64::from((i * 7919) % 101) - 30.0;
            plain += value;
            assert_eq!(total.next(value), plain);
        }
    }

    /// Volume, and price times volume: what is shown is one over the other.
    #[derive(Clone, Copy)]
    struct Paid;

    impl Flows<2, 2> for Paid {
        fn of_bar<N: Number>(&self, [price, volume]: [N; 2]) -> [N; 2] {
            [price * volume, volume]
        }

        fn shown<N: Number>(&self, [money, volume]: [N; 2]) -> N {
            money / volume
        }
    }

    #[test]
    fn what_is_shown_of_flows_has_the_bits_of_the_running_totals_whatever_the_parts() -> Result<(), TaError> {
        for (length, part) in
            [(1, 1), (2111, 2111), (2112, 2112), (9000, 9000), (9000, 2112), (9000, 4000), (7, 7), (8, 8), (9, 8)]
        {
            let number = |i: u32, step: u32| f64::from((i * step) % 101) * 0.1 + 3.0;
            let price: Vec<f64> = (0..length).map(|i: u32| number(i, 7919)).collect();
            let volume: Vec<f64> = (0..length).map(|i: u32| number(i, 104_729)).collect();
            let (mut money, mut traded) = (Total::default(), Total::default());
            let expected = price.iter().zip(&volume).map(|(price, volume)| {
                let [paid, shares] = Paid.of_bar([*price, *volume]);
                Paid.shown([money.next(paid), traded.next(shares)]).to_bits()
            });
            let expected: Vec<u64> = expected.collect();
            let (mut out, mut totals) = (vec![0.0; price.len()], [Total::default(), Total::default()]);
            for (from, slots) in out.chunks_mut(part).enumerate() {
                let bars = from_on(&[price.as_slice(), volume.as_slice()], from * part, slots.len());
                assert!(flow_totals(Paid, bars, &mut totals, slots)?);
            }
            assert_eq!(out.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), expected, "{length} {part}");
        }
        Ok(())
    }

    #[test]
    fn a_missing_value_is_found_and_what_cannot_be_shown_is_told() {
        for place in [0, 300, 2111, 2112, 4300] {
            let (price, mut volume, mut out) = (vec![2.0; 4400], vec![1.0; 4400], vec![0.0; 4400]);
            volume[place] = f64::NAN;
            let mut totals = [Total::default(), Total::default()];
            let found = flow_totals(Paid, [&price, &volume], &mut totals, &mut out);
            assert_eq!(found, Err(TaError::NotClean), "{place}");
        }
        let (price, mut volume, mut out) = (vec![2.0; 4400], vec![1.0; 4400], vec![0.0; 4400]);
        volume[0] = 0.0;
        let mut totals = [Total::default(), Total::default()];
        assert_eq!(flow_totals(Paid, [&price, &volume], &mut totals, &mut out), Ok(false));
    }

    #[derive(Clone, Copy)]
    struct Minus;

    impl Each<2> for Minus {
        fn of<N: Number>(&self, [left, right]: [N; 2]) -> N {
            left - right
        }
    }

    #[test]
    fn arithmetic_on_rows_fills_every_slot_and_finds_every_gap_wherever_the_slots_lie() {
        let left: Vec<f64> = (0..60).map(|i: u32| f64::from((i * 7919) % 101)).collect();
        let right: Vec<f64> = (0..60).map(|i: u32| f64::from((i * 104_729) % 97)).collect();
        for (first, length) in (0..LANES).flat_map(|first| (0..40).map(move |length| (first, length))) {
            let mut room = vec![-1000.0; 60];
            assert_eq!(each(Minus, [&left, &right], &mut room[first..first + length]), Ok(()));
            for (place, found) in room.iter().enumerate() {
                let within = (first..first + length).contains(&place);
                let expected = if within { left[place - first] - right[place - first] } else { -1000.0 };
                assert_eq!(*found, expected, "{first} {length} {place}");
            }
            for gap in 0..length {
                let mut torn = right.clone();
                torn[gap] = f64::NAN;
                let found = each(Minus, [&left, &torn], &mut room[first..first + length]);
                assert_eq!(found, Err(TaError::NotClean), "{first} {length} {gap}");
            }
        }
    }
}
