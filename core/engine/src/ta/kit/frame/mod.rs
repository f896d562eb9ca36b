//! Indicators over the rows of a table, group by group.
//!
//! Groups are given once, as runs of rows, and every indicator goes through them: O(rows) an indicator, with one group's
//! rows at a time in the cache. Where a table's groups do not lie together, [`Places`] brings its columns into an order
//! in which they do, once for all indicators, and the results back. Groups do not see each other's rows.

mod rows;

use std::ops::Range;

pub use rows::{Places, changes};
use thiserror::Error;

use super::beside::{self, TOGETHER};
use super::{Kind, NanPolicy, Policy, TaError, Wanted};

/// What can be wrong with a [`Frame`].
#[derive(Clone, Debug, Error, PartialEq)]
pub enum FrameError {
    /// An indicator or its parameters.
    #[error(transparent)]
    Ta(#[from] TaError),
    /// A group's rows.
    #[error("in group {group} of the table, {error}")]
    Group {
        /// Which group, from 0.
        group: usize,
        /// What is wrong.
        error: TaError,
    },
    /// Columns, starts or order do not describe one table.
    #[error("the table's {what} do not fit together")]
    Shape {
        /// Which part.
        what: &'static str,
    },
}

/// A column of results, of the rows of some groups.
#[derive(Debug)]
pub enum Column<'a> {
    /// Numbers.
    Float(&'a mut [f64]),
    /// Whole numbers.
    Whole(&'a mut [i32]),
}

/// A table and what is to be computed from it.
#[derive(Debug)]
pub struct Frame<'a> {
    wanted: &'a [Wanted],
    /// Which column each input of each indicator reads.
    wiring: Vec<Vec<usize>>,
    columns: &'a [&'a [f64]],
    /// First row of each group, ascending from 0, and the length at the end.
    bounds: Vec<usize>,
    nan: NanPolicy,
}

impl<'a> Frame<'a> {
    /// Check that everything fits together.
    ///
    /// # Errors
    /// Columns of unequal length, starts that do not ascend from 0, inputs without a column; bad parameters.
    pub fn new(
        wanted: &'a [Wanted],
        wiring: Vec<Vec<usize>>,
        columns: &'a [&'a [f64]],
        starts: &[i64],
        nan: NanPolicy,
    ) -> Result<Self, FrameError> {
        let shape = |what| FrameError::Shape { what };
        let length = columns.first().map_or(0, |column| column.len());
        if columns.iter().any(|column| column.len() != length) {
            return Err(shape("columns"));
        }
        let mut bounds = Vec::with_capacity(starts.len() + 1);
        for start in starts {
            bounds.push(usize::try_from(*start).map_err(|_| shape("starts"))?);
        }
        bounds.push(length);
        let ascending = bounds.iter().zip(bounds.iter().skip(1)).all(|(start, end)| start <= end);
        if !ascending || bounds.first() != Some(&0) {
            return Err(shape("starts"));
        }
        let fits = |(wanted, columns_of): (&Wanted, &Vec<usize>)| {
            wanted.spec.inputs.len() == columns_of.len() && columns_of.iter().all(|column| *column < columns.len())
        };
        if wiring.len() != wanted.len() || !wanted.iter().zip(&wiring).all(fits) {
            return Err(shape("inputs"));
        }
        wanted.iter().try_for_each(Wanted::check)?;
        Ok(Self { wanted, wiring, columns, bounds, nan })
    }

    /// Rows of the table.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.bounds.last().copied().unwrap_or(0)
    }

    /// The groups cut into at most `count` stretches with about as many rows each: one a thread.
    #[must_use]
    pub fn stretches(&self, count: usize) -> Vec<Range<usize>> {
        let groups = self.bounds.len() - 1;
        let share = self.rows().div_ceil(count.max(1)).max(1);
        let (mut stretches, mut first) = (Vec::new(), 0);
        while first < groups {
            let goal = self.bounds.get(first).copied().unwrap_or(0) + share;
            let end = self.bounds.partition_point(|bound| *bound < goal).clamp(first + 1, groups);
            stretches.push(first..end);
            first = end;
        }
        stretches
    }

    /// The rows of some groups.
    #[must_use]
    pub fn rows_of(&self, groups: &Range<usize>) -> Range<usize> {
        let bound = |group: usize| self.bounds.get(group).copied().unwrap_or(0);
        bound(groups.start)..bound(groups.end)
    }

    /// Compute some groups. `results` has a column an output of every indicator, each with these groups' rows.
    ///
    /// # Errors
    /// Results of another shape; a gap under [`NanPolicy::Raise`], with its group.
    pub fn compute(&self, groups: Range<usize>, results: &mut [Column<'_>]) -> Result<(), FrameError> {
        let base = self.rows_of(&groups).start;
        let mut scratch: Vec<f64> = Vec::new();
        let mut first = groups.start;
        while first < groups.end {
            let eight = first..(first + TOGETHER).min(groups.end);
            let together = self.length_of_all(&eight);
            if let Some(length) = together
                && self.side_by_side(&eight, length, base, results, &mut scratch).is_ok()
            {
                first = eight.end;
                continue;
            }
            // Also where something is wrong: the first group's error is told, of its indicators the first one's.
            let end = if together.is_some() { eight.end } else { first + 1 };
            for group in first..end {
                self.alone(group, base, results, &mut scratch)?;
            }
            first = end;
        }
        Ok(())
    }

    /// How long each of eight groups is; none when they are fewer or differ.
    fn length_of_all(&self, groups: &Range<usize>) -> Option<usize> {
        let length = self.rows_of(&(groups.start..groups.start + 1)).len();
        let same = |group: usize| self.rows_of(&(group..group + 1)).len() == length;
        (groups.len() == TOGETHER && groups.clone().all(same)).then_some(length)
    }

    /// The rows of a column that an input reads.
    fn column(&self, column: usize, rows: &Range<usize>) -> &[f64] {
        self.columns.get(column).and_then(|values| values.get(rows.clone())).unwrap_or_default()
    }

    /// Every indicator of eight groups of one length: side by side where that can be done, else one by one.
    fn side_by_side(
        &self,
        groups: &Range<usize>,
        length: usize,
        base: usize,
        results: &mut [Column<'_>],
        scratch: &mut Vec<f64>,
    ) -> Result<(), TaError> {
        let shape = || TaError::Wiring { what: "columns" };
        let rows = self.rows_of(groups);
        let mut rest = results;
        for (wanted, wiring) in self.wanted.iter().zip(&self.wiring) {
            let (mine, others) = rest.split_at_mut_checked(wanted.spec.outputs.len()).ok_or_else(shape)?;
            rest = others;
            if beside::knows(wanted, length) {
                let inputs: Vec<&[f64]> = wiring.iter().map(|column| self.column(*column, &rows)).collect();
                let mut slots: Vec<&mut [f64]> = Vec::with_capacity(mine.len());
                for column in mine.iter_mut() {
                    let Column::Float(values) = column else { return Err(shape()) };
                    slots.push(values.get_mut(rows.start - base..rows.end - base).ok_or_else(shape)?);
                }
                match beside::compute(wanted, &inputs, length, &mut slots) {
                    Err(TaError::NotClean) => {}
                    done => {
                        done?;
                        continue;
                    }
                }
            }
            for group in groups.clone() {
                self.indicator(group, wanted, wiring, base, mine, scratch)?;
            }
        }
        Ok(())
    }

    /// Every indicator of one group.
    fn alone(
        &self,
        group: usize,
        base: usize,
        results: &mut [Column<'_>],
        scratch: &mut Vec<f64>,
    ) -> Result<(), FrameError> {
        let mut rest = results;
        for (wanted, wiring) in self.wanted.iter().zip(&self.wiring) {
            let (mine, others) =
                rest.split_at_mut_checked(wanted.spec.outputs.len()).ok_or(FrameError::Shape { what: "results" })?;
            rest = others;
            let done = self.indicator(group, wanted, wiring, base, mine, scratch);
            done.map_err(|error| FrameError::Group { group, error })?;
        }
        Ok(())
    }

    /// One indicator of one group.
    fn indicator(
        &self,
        group: usize,
        wanted: &Wanted,
        wiring: &[usize],
        base: usize,
        results: &mut [Column<'_>],
        scratch: &mut Vec<f64>,
    ) -> Result<(), TaError> {
        let rows = self.rows_of(&(group..group + 1));
        let inputs: Vec<&[f64]> = wiring.iter().map(|column| self.column(*column, &rows)).collect();
        one(wanted, &inputs, self.nan, results, rows.start - base..rows.end - base, scratch)
    }
}

/// One indicator of one group into slots `place` of its columns.
fn one(
    wanted: &Wanted,
    inputs: &[&[f64]],
    nan: NanPolicy,
    results: &mut [Column<'_>],
    place: Range<usize>,
    scratch: &mut Vec<f64>,
) -> Result<(), TaError> {
    let shape = || TaError::Wiring { what: "columns" };
    let policy = Policy { nan, seed: wanted.seed };
    if let ([Column::Whole(values)], Some(_)) = (&mut *results, wanted.spec.whole()) {
        let slots = values.get_mut(place).ok_or_else(shape)?;
        return wanted.spec.compute_whole(inputs, &wanted.params, policy, slots);
    }
    let wholes = wanted.spec.outputs.iter().filter(|output| output.kind != Kind::Float).count();
    scratch.resize(wholes * place.len(), 0.0);
    // Kernels write floats: whole columns get theirs by way of the scratch.
    let mut spare = scratch.chunks_exact_mut(place.len().max(1));
    let mut slices: Vec<&mut [f64]> = Vec::with_capacity(results.len());
    for column in results.iter_mut() {
        slices.push(match column {
            Column::Float(values) => values.get_mut(place.clone()).ok_or_else(shape)?,
            Column::Whole(_) if place.is_empty() => &mut [],
            Column::Whole(_) => spare.next().ok_or_else(shape)?,
        });
    }
    wanted.spec.compute(inputs, &wanted.params, policy, &mut slices)?;
    let mut spare = scratch.chunks_exact(place.len().max(1));
    for column in results.iter_mut() {
        if let (Column::Whole(values), false) = (column, place.is_empty()) {
            let slots = values.get_mut(place.clone()).ok_or_else(shape)?;
            for (slot, value) in slots.iter_mut().zip(spare.next().ok_or_else(shape)?) {
                #[expect(clippy::cast_possible_truncation, reason = "whole outputs are small whole numbers")]
                let whole = *value as i32;
                *slot = whole;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ta::{Seed, find};

    #[test]
    fn stretches_cover_every_group_once() -> Result<(), FrameError> {
        let wanted = [];
        let column = [0.0; 10];
        let columns = [column.as_slice()];
        let frame = Frame::new(&wanted, vec![], &columns, &[0, 1, 2, 9], NanPolicy::Propagate)?;
        for count in 1..6 {
            let covered: Vec<usize> = frame.stretches(count).into_iter().flatten().collect();
            assert_eq!(covered, [0, 1, 2, 3], "{count}");
            assert!(frame.stretches(count).len() <= count.max(2), "{count}");
        }
        Ok(())
    }

    #[test]
    fn groups_do_not_see_each_other_and_rows_come_back_to_their_places() -> Result<(), FrameError> {
        let wanted = [Wanted { label: "SMA_2".to_owned(), spec: find("SMA")?, params: vec![2.0], seed: Seed::Talib }];
        let places = Places::new(&[0, 2, 4, 1, 3])?;
        let column = places.gather(&[1.0, 10.0, 3.0, 20.0, 5.0]);
        assert_eq!(column, [1.0, 3.0, 5.0, 10.0, 20.0]);
        let columns = [column.as_slice()];
        let frame = Frame::new(&wanted, vec![vec![0]], &columns, &[0, 3], NanPolicy::Propagate)?;
        let (mut ordered, mut out) = ([0.0; 5], [0.0; 5]);
        frame.compute(0..2, &mut [Column::Float(&mut ordered)])?;
        places.give_back(&ordered, 0, &mut out);
        assert!(out[0].is_nan() && out[1].is_nan(), "{out:?}");
        assert_eq!((out[2], out[4], out[3]), (2.0, 4.0, 15.0));
        Ok(())
    }

    #[test]
    fn starts_that_do_not_ascend_are_refused() {
        let column = [0.0; 4];
        let columns = [column.as_slice()];
        for starts in [&[0, 3, 2][..], &[1, 2], &[0, 9], &[-1], &[]] {
            let made = Frame::new(&[], vec![], &columns, starts, NanPolicy::Propagate);
            assert_eq!(made.err(), Some(FrameError::Shape { what: "starts" }), "{starts:?}");
        }
    }
}
