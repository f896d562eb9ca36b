//! One indicator for many symbols side by side: what a [`StreamSet`](super::StreamSet) drives.
//!
//! All states of one kind lie next to each other and one virtual call takes a bar of every symbol in, so that a step
//! costs the arithmetic and not the pointer chasing.

use std::array;

use super::{State, TaError};

/// Columns of a bar: open, high, low, close, volume.
pub const BAR: usize = 5;

/// One bar of one symbol.
pub type Row = [f64; BAR];

/// Streams of one indicator with one set of parameters, one a symbol.
///
/// `columns` says which column of a row each input reads; `out` has one slot an output and is left as it is while the
/// look-back is not full.
pub trait Abreast: Send + Sync {
    /// Symbol `lane` takes its next bar in.
    fn next(&mut self, lane: usize, row: &Row, columns: &[usize], out: &mut [f64]);

    /// Every symbol but the skipped ones takes its next bar in. `out` holds `width` slots a symbol, this indicator's
    /// from `offset` on.
    fn next_all(&mut self, rows: &[Row], skipped: &[bool], columns: &[usize], out: &mut [f64], place: Place);

    /// What [`Self::next`] would write, with the state left as it is.
    fn peek(&self, lane: usize, row: &Row, columns: &[usize], out: &mut [f64]);

    /// A copy in the same state.
    fn duplicate(&self) -> Box<dyn Abreast>;

    /// All states as bytes.
    ///
    /// # Errors
    /// [`TaError::Snapshot`] when a state cannot be written.
    fn save(&self) -> Result<Vec<u8>, TaError>;

    /// Take over saved states.
    ///
    /// # Errors
    /// [`TaError::Snapshot`] when the bytes are not as many states of this indicator.
    fn load(&mut self, bytes: &[u8]) -> Result<(), TaError>;
}

/// Where an indicator's outputs lie in a symbol's row of results.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Slots of a row.
    pub width: usize,
    /// First slot of the indicator.
    pub offset: usize,
}

#[derive(Clone)]
pub(super) struct Many<S, const I: usize, const O: usize>(Vec<S>);

impl<S: State<I, O>, const I: usize, const O: usize> Many<S, I, O> {
    pub(super) fn new(state: &S, count: usize) -> Self {
        Self(vec![state.clone(); count])
    }

    /// The columns as an array, so that the loops over it are unrolled.
    fn wired(columns: &[usize]) -> [usize; I] {
        columns.try_into().unwrap_or([0; I])
    }

    #[inline]
    fn step(state: &mut S, row: &Row, columns: [usize; I], out: &mut [f64]) {
        let bar =
            array::from_fn(|input| columns.get(input).and_then(|column| row.get(*column)).copied().unwrap_or(0.0));
        if let Some(values) = state.next(bar) {
            out.iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
        }
    }
}

impl<S: State<I, O>, const I: usize, const O: usize> Abreast for Many<S, I, O> {
    fn next(&mut self, lane: usize, row: &Row, columns: &[usize], out: &mut [f64]) {
        if let Some(state) = self.0.get_mut(lane) {
            Self::step(state, row, Self::wired(columns), out);
        }
    }

    fn next_all(&mut self, rows: &[Row], skipped: &[bool], columns: &[usize], out: &mut [f64], place: Place) {
        let columns = Self::wired(columns);
        let places = out.chunks_exact_mut(place.width);
        for (((state, row), skip), slots) in self.0.iter_mut().zip(rows).zip(skipped).zip(places) {
            if !skip && let Some(slots) = slots.get_mut(place.offset..place.offset + O) {
                Self::step(state, row, columns, slots);
            }
        }
    }

    fn peek(&self, lane: usize, row: &Row, columns: &[usize], out: &mut [f64]) {
        if let Some(state) = self.0.get(lane) {
            Self::step(&mut state.clone(), row, Self::wired(columns), out);
        }
    }

    fn duplicate(&self) -> Box<dyn Abreast> {
        Box::new(self.clone())
    }

    fn save(&self) -> Result<Vec<u8>, TaError> {
        postcard::to_allocvec(&self.0).map_err(|_| TaError::Snapshot { what: "its state cannot be written" })
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), TaError> {
        match postcard::take_from_bytes::<Vec<S>>(bytes) {
            Ok((states, [])) if states.len() == self.0.len() => {
                self.0 = states;
                Ok(())
            }
            _ => Err(TaError::Snapshot { what: "its state is damaged" }),
        }
    }
}
