//! Cup and handle, and upside down the inverse.
//!
//! Described for the inverse (a dome): a fall to the left rim, a round top, the right rim at most twice
//! `level_tolerance` depths from the left one, and a handle, a rise from the right rim that takes back at most half of
//! the depth and lasts at most 0.6 of the dome. Round: the mean distance of the closes from the top is at most 0.42
//! depths (a parabola has 0.33, a straight-sided spike 0.5), and the top lies in the middle 60 % of at least 10 bars. Known when a close breaks both rims; void when one goes beyond the handle (also the
//! invalidation). Target: the depth, measured on from the rim. After William J. O'Neil, "How to Make Money in Stocks",
//! 1988. Score: mean of the rims' closeness, roundness (0.3 or less = 1), a shallow handle, the top's place in time.

use super::finding::{Candidate, Exit, Goal, Line, Plan, Point, closeness, evenness, mean_score, shown};
use super::kinds::Kind;
use super::shape::Shape;
use crate::ta::kit::float;

const LEAST_BARS: usize = 10;
const MOST_HANDLE_DEPTH: f64 = 0.5;
const MOST_HANDLE_BARS: f64 = 0.6;
const MOST_HOLLOW: f64 = 0.42;
const FULL_ROUND: f64 = 0.3;
/// The top may divide the dome as unevenly as 1 to 4.
const LEAST_EVENNESS: f64 = 0.25;

pub(crate) fn find(shape: &Shape<'_>) -> Option<Candidate> {
    let kind = if shape.upright() { Kind::InverseCupAndHandle } else { Kind::CupAndHandle };
    let points: Vec<Point> = shape.pivots.iter().map(|pivot| shape.point(pivot)).collect();
    let count = points.len();
    let (handle, right) = (*points.last()?, *points.get(count.checked_sub(2)?)?);
    let mut best: Option<Candidate> = None;
    // Backwards over the lows before the right rim, each a left rim to try; `top` is the highest high between the two.
    let mut top = *points.get(count.checked_sub(3)?)?;
    let mut lowest_inside = f64::MAX;
    for left_index in (1..count - 3).rev().step_by(2) {
        let (left, before) = (*points.get(left_index)?, *points.get(left_index - 1)?);
        if !shape.spans(&left, &handle) || lowest_inside < right.price {
            break;
        }
        if lowest_inside >= left.price
            && let Some(found) = cup(shape, kind, [before, left, top, right, handle])
            && best.as_ref().is_none_or(|known| found.score > known.score)
        {
            best = Some(found);
        }
        lowest_inside = lowest_inside.min(left.price);
        if before.price > top.price {
            top = before;
        }
    }
    best
}

fn cup(shape: &Shape<'_>, kind: Kind, [before, left, top, right, handle]: [Point; 5]) -> Option<Candidate> {
    let depth = top.price - (left.price + right.price) / 2.0;
    let bars = right.bar.saturating_sub(left.bar);
    let apart = (left.price - right.price).abs() / depth;
    let handle_depth = (handle.price - right.price) / depth;
    let place = evenness(top.bar.saturating_sub(left.bar), right.bar.saturating_sub(top.bar));
    let fits = depth > 0.0
        && bars >= LEAST_BARS
        && apart <= 2.0 * shape.params.level_tolerance
        && handle_depth <= MOST_HANDLE_DEPTH
        && handle.at() - right.at() <= MOST_HANDLE_BARS * float(bars)
        && place >= LEAST_EVENNESS
        && before.price - left.price >= shape.params.prior_trend * depth;
    if !fits {
        return None;
    }
    let (sum, count) = shape
        .closes(left.bar, right.bar)
        .fold((0.0, 0_usize), |(sum, count), (_, close)| (sum + (top.price - close) / depth, count + 1));
    let hollow = sum / float(count.max(1));
    if hollow > MOST_HOLLOW {
        return None;
    }
    let score = mean_score(&[
        closeness(apart, 2.0 * shape.params.level_tolerance),
        closeness((hollow - FULL_ROUND).max(0.0), 0.2),
        closeness(handle_depth, MOST_HANDLE_DEPTH),
        place,
    ]);
    let words = format!(
        "{}: rims {} and {} ({:.0} % of the depth apart), {} {}, mean distance from it {hollow:.2} depths; the handle takes back {:.0} %",
        kind.name().replace('_', " "),
        shown(shape.sign * left.price),
        shown(shape.sign * right.price),
        100.0 * apart,
        if shape.upright() { "top" } else { "bottom" },
        shown(shape.sign * top.price),
        100.0 * handle_depth,
    );
    let extreme = if shape.upright() { "top" } else { "bottom" };
    let labelled = [(left, "left rim"), (top, extreme), (right, "right rim"), (handle, "handle")];
    let rim = left.price.min(right.price);
    let plan = Plan::Break {
        down: Exit { line: Line::level(rim), outcome: Some((handle.price, Goal::Measured(depth))) },
        up: Exit { line: Line::level(handle.price), outcome: None },
        expires: shape.deadline(right, handle).max(handle.bar + bars / 4),
    };
    Some(Candidate { kind, sign: shape.sign, score, marks: shape.marks(&labelled), plan, words })
}
