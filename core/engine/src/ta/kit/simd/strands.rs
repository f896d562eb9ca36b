//! Eight stretches of one series side by side: a tile is eight bars of each, in columns of lanes.
//!
//! Their bounds are checked once, not row by row: that costs more than the transposition. And what the next tiles need
//! is fetched: the processor foresees a few streams by itself, not eight of every series.
#![expect(unsafe_code, reason = "reads and writes whose bounds were checked when the strands were laid out")]

use std::marker::PhantomData;

use super::{LANES, Wide, fetch};

/// How many values ahead of its reader a strand is fetched.
const AHEAD: usize = 64;

/// Where strands lie: from `lane * stride` on, `length` values each, all within one slice.
#[derive(Clone, Copy, Debug)]
struct Layout {
    stride: usize,
    length: usize,
}

impl Layout {
    fn within(size: usize, stride: usize, length: usize) -> Option<Self> {
        let needed = stride.checked_mul(LANES - 1)?.checked_add(length)?;
        (needed <= size).then_some(Self { stride, length })
    }

    /// What to fetch while the bars at `at` are read. Short strands are read group by group: at their end it is the next
    /// group's beginning.
    #[inline(always)]
    const fn ahead(self, at: usize) -> usize {
        if at + AHEAD < self.length { at + AHEAD } else { at + AHEAD + (LANES - 1) * self.stride }
    }

    /// Whether there are eight bars at `at`.
    #[inline(always)]
    const fn holds(self, at: usize) -> bool {
        at < self.length && self.length - at >= LANES
    }
}

/// Eight strands to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strands<'a> {
    first: *const f64,
    layout: Layout,
    values: PhantomData<&'a [f64]>,
}

impl<'a> Strands<'a> {
    /// Strands of `length` values that begin at every multiple of `stride`; none when they leave `values`.
    pub(crate) fn new(values: &'a [f64], stride: usize, length: usize) -> Option<Self> {
        let layout = Layout::within(values.len(), stride, length)?;
        Some(Self { first: values.as_ptr(), layout, values: PhantomData })
    }

    /// Eight bars from `at` on; zeros when there are none.
    #[inline(always)]
    pub(crate) fn tile<W: Wide>(&self, at: usize) -> [W; LANES] {
        let place = self.first.wrapping_add(self.layout.ahead(at));
        for lane in 0..LANES {
            fetch(place.wrapping_add(lane * self.layout.stride));
        }
        self.near_tile(at)
    }

    /// [`Self::tile`] of values that are in the nearest cache anyway.
    #[inline(always)]
    fn near_tile<W: Wide>(&self, at: usize) -> [W; LANES] {
        if !self.layout.holds(at) {
            return [W::default(); LANES];
        }
        let stride = self.layout.stride;
        let place = self.first.wrapping_add(at);
        // SAFETY: `at + LANES <= length`, and `within` has checked that the last strand ends in the slice, which is
        // borrowed for as long as these strands live.
        unsafe { W::read_rows(place, stride) }
    }
}

/// Eight strands to write.
#[derive(Debug)]
pub(crate) struct StrandsMut<'a> {
    first: *mut f64,
    layout: Layout,
    values: PhantomData<&'a mut [f64]>,
}

impl<'a> StrandsMut<'a> {
    /// As [`Strands::new`].
    pub(crate) fn new(values: &'a mut [f64], stride: usize, length: usize) -> Option<Self> {
        let layout = Layout::within(values.len(), stride, length)?;
        Some(Self { first: values.as_mut_ptr(), layout, values: PhantomData })
    }

    /// Write eight bars from `at` on; nothing when there are none.
    #[inline(always)]
    pub(crate) fn put<W: Wide>(&mut self, at: usize, columns: [W; LANES]) {
        let place = self.first.wrapping_add(self.layout.ahead(at));
        for lane in 0..LANES {
            fetch(place.wrapping_add(lane * self.layout.stride));
        }
        self.put_near(at, columns);
    }

    /// [`Self::put`] where the slots are in the nearest cache anyway.
    #[inline(always)]
    fn put_near<W: Wide>(&mut self, at: usize, columns: [W; LANES]) {
        if !self.layout.holds(at) {
            return;
        }
        let stride = self.layout.stride;
        let place = self.first.wrapping_add(at);
        // SAFETY: as in `Strands::tile`; the slice is borrowed alone.
        unsafe { W::write_rows(columns, place, stride) }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "eight strands of a known length")]
mod tests {
    use super::super::{Job, Lanes, dispatch};
    use super::*;

    struct Copy<'a>(&'a [f64], &'a mut [f64]);

    impl Job for Copy<'_> {
        type Output = bool;

        #[inline(always)]
        fn run<W: Wide>(self) -> bool {
            let (Some(from), Some(mut to)) = (Strands::new(self.0, 20, 16), StrandsMut::new(self.1, 20, 16)) else {
                return false;
            };
            for at in [0, 8] {
                let tile: [W; LANES] = from.tile(at);
                for (bar, column) in tile.iter().enumerate() {
                    for (lane, value) in column.to_lanes().into_iter().enumerate() {
                        assert_eq!(value.to_bits(), self.0[lane * 20 + at + bar].to_bits());
                    }
                }
                to.put(at, tile);
            }
            // Behind the end there is nothing to read, and nothing is written.
            to.put(9, [W::splat(7.0); LANES]);
            from.tile::<W>(9).iter().all(|column| column.to_lanes() == [0.0; LANES])
        }
    }

    #[test]
    fn a_tile_has_a_lane_for_each_strand_and_goes_back_to_its_place() {
        let values: Vec<f64> = (0..7 * 20 + 16).map(f64::from).collect();
        let runs: [fn(Copy<'_>) -> bool; 2] = [|job| job.run::<Lanes>(), |job| dispatch(job)];
        for run in runs {
            let mut copy = vec![-1.0; values.len()];
            assert!(run(Copy(&values, &mut copy)));
            for (place, (value, copied)) in values.iter().zip(&copy).enumerate() {
                assert_eq!(*copied, if place % 20 < 16 { *value } else { -1.0 });
            }
        }
    }

    #[test]
    fn strands_that_leave_the_series_are_refused() {
        let mut values = vec![0.0; 7 * 20 + 16];
        assert!(Strands::new(&values, 20, 17).is_none() && StrandsMut::new(&mut values, 21, 16).is_none());
        assert!(Strands::new(&values, usize::MAX, 16).is_none());
    }
}
