//! What a family proposes, what the scanner waits for, and what it reports.

use serde::{Deserialize, Serialize};

use super::kinds::{Direction, Kind};
use crate::ta::kit::float;

/// A pivot of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Bar.
    pub bar: usize,
    /// Price.
    pub price: f64,
    /// What it is in the pattern, for example `left shoulder`.
    pub label: String,
}

/// A chart pattern that has become knowable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which.
    pub kind: Kind,
    /// Where it points.
    pub direction: Direction,
    /// How well the shape fits, 0 to 1: the mean of the family's measures, see each family's page.
    pub score: f64,
    /// Its pivots, oldest first.
    pub pivots: Vec<Mark>,
    /// Price beyond which the pattern has failed.
    pub invalidation: f64,
    /// Price it points to; none when nothing is left of the way at the break, or when it would be below 0.
    pub target: Option<f64>,
    /// First bar at whose close it could be known.
    pub confirmed_at: usize,
    /// Bar of the first pivot.
    pub start: usize,
    /// Bar of the last pivot.
    pub end: usize,
    /// Scale of the swings it was found at.
    pub scale: f64,
    /// In words, with the numbers behind it.
    pub explanation: String,
}

/// A point of a turned chart: where bullish patterns are looked at upside down, so that each is written once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) bar: usize,
    pub(crate) price: f64,
}

impl Point {
    pub(crate) fn at(&self) -> f64 {
        float(self.bar)
    }
}

/// A straight line over bars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    bar: f64,
    price: f64,
    pub(crate) slope: f64,
}

impl Line {
    pub(crate) const fn level(price: f64) -> Self {
        Self { bar: 0.0, price, slope: 0.0 }
    }

    /// Through two points on different bars.
    pub(crate) fn through(from: Point, to: Point) -> Self {
        Self { bar: from.at(), price: from.price, slope: (to.price - from.price) / (to.at() - from.at()) }
    }

    /// Least squares through points, at least two of them on different bars.
    pub(crate) fn fit(points: &[Point]) -> Self {
        let count = float(points.len().max(1));
        let bar = points.iter().map(Point::at).sum::<f64>() / count;
        let price = points.iter().map(|point| point.price).sum::<f64>() / count;
        let spread: f64 = points.iter().map(|point| (point.at() - bar).powi(2)).sum();
        let joint: f64 = points.iter().map(|point| (point.at() - bar) * (point.price - price)).sum();
        Self { bar, price, slope: if spread > 0.0 { joint / spread } else { 0.0 } }
    }

    pub(crate) fn value(&self, bar: usize) -> f64 {
        self.price + self.slope * (float(bar) - self.bar)
    }

    /// Largest distance of a point from the line.
    pub(crate) fn worst_miss(&self, points: &[Point]) -> f64 {
        points.iter().map(|point| (point.price - self.value(point.bar)).abs()).fold(0.0, f64::max)
    }
}

/// Where a broken pattern points.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// This price.
    Price(f64),
    /// This far on from the line at the break.
    Measured(f64),
}

/// What a break of a line means: a finding, or the end of the candidate.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) line: Line,
    /// Invalidation and goal of the finding; none when the break voids the candidate.
    pub(crate) outcome: Option<(f64, Goal)>,
}

/// When a candidate becomes a finding.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Plan {
    /// At once: the last pivot completes it.
    Now { invalidation: f64, target: Option<f64> },
    /// When a close breaks a line, until `expires`.
    Break { down: Exit, up: Exit, expires: usize },
}

/// A shape that is complete but for its break. All prices but the marks' are turned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Candidate {
    pub(crate) kind: Kind,
    /// 1, or -1 for a chart that is looked at upside down.
    pub(crate) sign: f64,
    pub(crate) score: f64,
    pub(crate) marks: Vec<Mark>,
    pub(crate) plan: Plan,
    pub(crate) words: String,
}

/// What the next close does to a waiting candidate.
pub(crate) enum Step {
    Wait,
    Drop,
    /// Turned direction (negative: down), invalidation, target, and the turned line's price at the break.
    Found {
        turn: f64,
        invalidation: f64,
        target: Option<f64>,
        line: Option<f64>,
    },
}

impl Candidate {
    /// Take the close of `bar`; it must lie `margin` beyond a line to break it.
    pub(crate) fn step(&self, bar: usize, close: f64, margin: f64) -> Step {
        let Plan::Break { down, up, expires } = self.plan else {
            return match self.plan {
                Plan::Now { invalidation, target } => Step::Found { turn: -1.0, invalidation, target, line: None },
                Plan::Break { .. } => Step::Drop,
            };
        };
        if bar > expires {
            return Step::Drop;
        }
        let price = self.sign * close;
        for (turn, exit) in [(-1.0, down), (1.0, up)] {
            let line = exit.line.value(bar);
            let beyond = turn * (price - line);
            match exit.outcome {
                Some((invalidation, goal)) if beyond > margin => {
                    let target = match goal {
                        Goal::Price(price) => price,
                        Goal::Measured(distance) => line + turn * distance,
                    };
                    // A line that sank below its own goal before the break leaves nothing to aim at.
                    let target = (turn * (target - price) > 0.0).then_some(target);
                    return Step::Found { turn, invalidation, target, line: Some(line) };
                }
                None if beyond > 0.0 => return Step::Drop,
                _ => {}
            }
        }
        Step::Wait
    }

    /// The report.
    pub(crate) fn report(&self, bar: usize, scale: f64, found: (f64, f64, Option<f64>, Option<f64>)) -> Finding {
        let (turn, invalidation, target, line) = found;
        let direction = Direction::of(turn * self.sign);
        let mut explanation = self.words.clone();
        if let Some(line) = line {
            let side = if turn * self.sign > 0.0 { "above" } else { "below" };
            explanation.push_str(&format!("; close {side} {} at bar {bar}", shown(self.sign * line)));
        } else {
            explanation.push_str(&format!("; last pivot confirmed at bar {bar}"));
        }
        // A market whose prices are all above 0 does not go below: there is no such target.
        let positive = self.marks.iter().all(|mark| mark.price > 0.0);
        let target = target.map(|price| self.sign * price).filter(|price| !positive || *price > 0.0);
        Finding {
            kind: self.kind,
            direction,
            score: self.score,
            invalidation: self.sign * invalidation,
            target,
            confirmed_at: bar,
            start: self.marks.first().map_or(bar, |mark| mark.bar),
            end: self.marks.last().map_or(bar, |mark| mark.bar),
            pivots: self.marks.clone(),
            scale,
            explanation,
        }
    }
}

/// A price with six significant digits.
pub(crate) fn shown(price: f64) -> String {
    let size = price.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if (1e-4..1e9).contains(&size) {
        let mut decimals = 6;
        let mut bound = 1.0;
        while decimals > 0 && size >= bound {
            bound *= 10.0;
            decimals -= 1;
        }
        if size < 0.1 { format!("{price:.9}") } else { format!("{price:.decimals$}") }
    } else {
        format!("{price:.5e}")
    }
}

/// 1 for no deviation, 0 at the limit or beyond.
pub(crate) fn closeness(deviation: f64, limit: f64) -> f64 {
    (1.0 - deviation.abs() / limit).clamp(0.0, 1.0)
}

/// Mean of a family's measures, each 0 to 1.
pub(crate) fn mean_score(measures: &[f64]) -> f64 {
    (measures.iter().sum::<f64>() / float(measures.len().max(1))).clamp(0.0, 1.0)
}

/// The shorter of two spans over the longer.
pub(crate) fn evenness(left: usize, right: usize) -> f64 {
    let (short, long) = (left.min(right), left.max(right));
    if long == 0 { 0.0 } else { float(short) / float(long) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_through_points_worked_out_by_hand() {
        let points = [Point { bar: 2, price: 1.0 }, Point { bar: 4, price: 2.0 }, Point { bar: 6, price: 6.0 }];
        let line = Line::fit(&points);
        assert_eq!((line.slope, line.value(4), line.value(8)), (1.25, 3.0, 8.0));
        assert_eq!(line.worst_miss(&points), 1.0);
        assert_eq!(Line::through(Point { bar: 0, price: 1.0 }, Point { bar: 2, price: 2.0 }).value(6), 4.0);
    }

    #[test]
    fn prices_are_shown_with_the_digits_that_tell_them_apart() {
        let texts = [123_456.78, 101.234_567, 1.5, 0.012_345_678, 1.5e-7, 0.0].map(shown);
        assert_eq!(texts, ["123457", "101.235", "1.50000", "0.012345678", "1.50000e-7", "0"]);
    }
}
