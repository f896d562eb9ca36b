//! The last few values of a series, in a fixed space.

use serde::{Deserialize, Serialize};

use super::simd::Number;

/// A delay line: what goes in comes out `length` pushes later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ring<N = f64> {
    values: Vec<N>,
    /// Where the oldest value is, once full; where the next one goes.
    head: usize,
    full: bool,
}

impl<N: Number> Ring<N> {
    /// Room for `length` values; with none, everything comes straight out.
    #[inline(always)]
    pub(crate) fn new(length: usize) -> Self {
        Self { values: vec![N::splat(f64::NAN); length], head: 0, full: length == 0 }
    }

    /// Put `value` in; the value that was put in `length` pushes ago, or `None` while filling up.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: N) -> Option<N> {
        let Some(slot) = self.values.get_mut(self.head) else { return Some(value) };
        let oldest = std::mem::replace(slot, value);
        let was_full = self.full;
        self.head += 1;
        if self.head == self.values.len() {
            self.head = 0;
            self.full = true;
        }
        was_full.then_some(oldest)
    }

    /// Whether `length` values have gone in.
    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }

    /// The value that went in `back` pushes before the newest; NaN when there is none so far back.
    #[inline]
    pub(crate) fn back(&self, back: usize) -> N {
        let length = self.values.len();
        if back >= length {
            return N::splat(f64::NAN);
        }
        let index = self.head + length - 1 - back;
        let index = if index >= length { index - length } else { index };
        self.values.get(index).copied().unwrap_or(N::splat(f64::NAN))
    }

    /// The values in the order they are kept in, which is the same for every series of the same length.
    #[inline(always)]
    pub(crate) fn unordered(&self) -> &[N] {
        &self.values
    }

    /// The values from the oldest to the newest; complete only when [`Self::is_full`].
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = N> + '_ {
        let (newer, older) = self.values.split_at(self.head.min(self.values.len()));
        let older = if self.full { older } else { &[] };
        older.iter().chain(newer).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn gives_back_what_went_in_in_order() {
        let mut ring = Ring::new(3);
        let out: Vec<_> = (0..6).map(|i| ring.push(f64::from(i))).collect();
        assert_eq!(out, [None, None, None, Some(0.0), Some(1.0), Some(2.0)]);
        assert_eq!(ring.iter().collect::<Vec<_>>(), [3.0, 4.0, 5.0]);
        assert_eq!([ring.back(0), ring.back(2)], [5.0, 3.0]);
        assert!(ring.back(3).is_nan() && Ring::<f64>::new(2).back(0).is_nan());
        assert_eq!(Ring::<f64>::new(0).push(7.0), Some(7.0));
    }

    #[test]
    fn shows_what_it_has_while_filling_up() {
        let mut ring = Ring::new(4);
        assert!(ring.push(1.0).is_none() && ring.push(2.0).is_none() && !ring.is_full());
        assert_eq!(ring.iter().collect::<Vec<_>>(), [1.0, 2.0]);
    }
}
