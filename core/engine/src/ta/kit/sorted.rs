//! A rolling window in order of size.

use serde::{Deserialize, Serialize};

use super::ring::Ring;

/// The last `period` values, smallest first. A value costs a binary search and a move of at most `period` numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sorted {
    by_age: Ring,
    by_size: Vec<f64>,
}

impl Sorted {
    /// `period` is at least 1.
    pub(crate) fn new(period: usize) -> Self {
        Self { by_age: Ring::new(period), by_size: Vec::with_capacity(period) }
    }

    /// Put `value` in and take the oldest out, once there are `period`.
    pub(crate) fn push(&mut self, value: f64) {
        if let Some(oldest) = self.by_age.push(value) {
            // Equals stand in order of age, so the first of them is the oldest: 0.0 and -0.0 are not mixed up.
            let place = self.by_size.partition_point(|other| *other < oldest);
            if place < self.by_size.len() {
                self.by_size.remove(place);
            }
        }
        let place = self.by_size.partition_point(|other| *other <= value);
        self.by_size.insert(place, value);
    }

    /// Whether `period` values are in.
    pub(crate) const fn is_full(&self) -> bool {
        self.by_age.is_full()
    }

    /// The value with `smaller` values before it.
    pub(crate) fn at(&self, smaller: usize) -> Option<f64> {
        self.by_size.get(smaller).copied()
    }

    /// How many values are smaller than `value`.
    pub(crate) fn below(&self, value: f64) -> usize {
        self.by_size.partition_point(|other| *other < value)
    }
}

#[cfg(test)]
mod tests {
    use super::Sorted;

    #[test]
    fn keeps_the_window_in_order() {
        let mut window = Sorted::new(3);
        for value in [5.0, 1.0, 3.0, 3.0] {
            window.push(value);
        }
        assert!(window.is_full());
        assert_eq!([window.at(0), window.at(1), window.at(2), window.at(3)], [Some(1.0), Some(3.0), Some(3.0), None]);
        assert_eq!([window.below(3.0), window.below(9.0)], [1, 3]);
    }
}
