//! Where in a rolling window the extreme is.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Largest or smallest of the last `period` values and how many bars ago it was. Amortised O(1) a value.
///
/// Among equals it names the bar that TA-Lib names: a bar that reaches the extreme takes its place; when the extreme
/// drops out of the window, the oldest of the equals that are left follows. So with equal values the answer depends on
/// which was there first, and only then on bars before the window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Placed {
    period: usize,
    largest: bool,
    bars: usize,
    /// Bars no later bar has beaten yet, oldest first: the front is the oldest of the window's extremes.
    unbeaten: VecDeque<(usize, f64)>,
    named: Option<(usize, f64)>,
}

impl Placed {
    /// The largest of the last `period` values.
    pub(crate) fn highest(period: usize) -> Self {
        Self::new(period, true)
    }

    /// The smallest of the last `period` values.
    pub(crate) fn lowest(period: usize) -> Self {
        Self::new(period, false)
    }

    const fn new(period: usize, largest: bool) -> Self {
        Self { period, largest, bars: 0, unbeaten: VecDeque::new(), named: None }
    }

    fn beats(&self, new: f64, old: f64) -> bool {
        if self.largest { new > old } else { new < old }
    }

    /// The extreme and how many bars ago it was, with one more value; `None` before there are `period`.
    pub(crate) fn next(&mut self, value: f64) -> Option<(f64, usize)> {
        let bar = self.bars;
        self.bars += 1;
        while self.unbeaten.back().is_some_and(|(_, old)| self.beats(value, *old)) {
            self.unbeaten.pop_back();
        }
        self.unbeaten.push_back((bar, value));
        if self.unbeaten.front().is_some_and(|(place, _)| place + self.period <= bar) {
            self.unbeaten.pop_front();
        }
        if self.bars < self.period {
            return None;
        }
        self.named = match self.named {
            Some((place, old)) if place + self.period > bar && self.beats(old, value) => self.named,
            Some((place, _)) if place + self.period > bar => Some((bar, value)),
            _ => self.unbeaten.front().copied(),
        };
        self.named.map(|(place, extreme)| (extreme, bar - place))
    }
}

#[cfg(test)]
mod tests {
    use super::Placed;

    #[test]
    fn names_the_newest_that_reaches_it_and_the_oldest_that_is_left() {
        let series = [1.0, 5.0, 5.0, 5.0, 2.0, 2.0, 1.0, 1.0];
        let (mut high, mut low) = (Placed::highest(3), Placed::lowest(3));
        let places: Vec<_> = series.iter().map(|value| high.next(*value)).collect();
        let expected = [
            None,
            None,
            Some((5.0, 1)),
            Some((5.0, 0)),
            Some((5.0, 1)),
            Some((5.0, 2)),
            Some((2.0, 2)),
            Some((2.0, 2)),
        ];
        assert_eq!(places, expected);
        let last = series.iter().map(|value| low.next(*value)).last();
        assert_eq!(last, Some(Some((1.0, 0))));
    }
}
