//! The last pivots of one scale, turned so that the last one is a high.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::finding::{Line, Mark, Point};
use super::params::ChartParams;
use super::swings::Pivot;

/// Closes of the latest bars.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Closes {
    first: usize,
    values: VecDeque<f64>,
}

impl Closes {
    pub(crate) fn push(&mut self, close: f64, keep: usize) {
        self.values.push_back(close);
        while self.values.len() > keep {
            self.values.pop_front();
            self.first += 1;
        }
    }

    /// Bars `from..=to` with their closes.
    fn between(&self, from: usize, to: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let skip = from.saturating_sub(self.first);
        let begin = from.max(self.first);
        let count = (to + 1).saturating_sub(begin);
        self.values.iter().skip(skip).take(count).enumerate().map(move |(offset, close)| (begin + offset, *close))
    }
}

/// What a family looks at when a pivot has been confirmed: pivots that alternate, the last one a high.
pub(crate) struct Shape<'a> {
    pub(crate) pivots: &'a [Pivot],
    pub(crate) closes: &'a Closes,
    pub(crate) params: &'a ChartParams,
    /// Average true range now.
    pub(crate) range: f64,
    /// 1, or -1 when the chart is upside down.
    pub(crate) sign: f64,
}

impl Shape<'_> {
    /// As it stands (true) or upside down.
    pub(crate) fn upright(&self) -> bool {
        self.sign > 0.0
    }

    pub(crate) fn point(&self, pivot: &Pivot) -> Point {
        Point { bar: pivot.bar, price: self.sign * pivot.price }
    }

    /// The last `N` pivots, oldest first; none when there are fewer or they span too many bars.
    pub(crate) fn last<const N: usize>(&self) -> Option<[Point; N]> {
        let first = self.pivots.len().checked_sub(N)?;
        let tail: &[Pivot; N] = self.pivots.get(first..)?.try_into().ok()?;
        let points = tail.each_ref().map(|pivot| self.point(pivot));
        self.spans(points.first()?, points.last()?).then_some(points)
    }

    /// Whether a pattern from one point to the other is short enough, and its closes are still at hand.
    pub(crate) fn spans(&self, first: &Point, last: &Point) -> bool {
        last.bar.saturating_sub(first.bar) <= self.params.max_bars && first.bar >= self.closes.first
    }

    pub(crate) fn marks(&self, labelled: &[(Point, &str)]) -> Vec<Mark> {
        let mark = |(point, label): &(Point, &str)| Mark {
            bar: point.bar,
            price: self.sign * point.price,
            label: (*label).to_owned(),
        };
        labelled.iter().map(mark).collect()
    }

    /// Last bar on which a break of a pattern of this length still counts.
    pub(crate) fn deadline(&self, first: Point, last: Point) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "patience is in 0.05..=5 and a span at most 10000 bars"
        )]
        let wait = (self.params.patience * (last.at() - first.at())).ceil() as usize;
        last.bar + wait
    }

    /// Turned closes of the bars `from..=to`.
    pub(crate) fn closes(&self, from: usize, to: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.closes.between(from, to).map(|(bar, close)| (bar, self.sign * close))
    }

    /// Whether every close from one bar to another lies between two lines, give or take `slack`.
    pub(crate) fn stays_between(&self, bars: [usize; 2], lower: &Line, upper: &Line, slack: f64) -> bool {
        let [from, to] = bars;
        self.closes(from, to).all(|(bar, close)| close <= upper.value(bar) + slack && close >= lower.value(bar) - slack)
    }
}
