//! Triangles (ascending, descending, symmetrical), wedges (rising, falling) and rectangles.
//!
//! The last `line_touches` to 8 pivots (the longest run that fits) touch two lines, fitted by least squares to the highs and to the
//! lows; no touch misses its line by more than `line_tolerance` heights, and no close between the first and the last
//! pivot lies further outside, the height being the distance of the lines at the first pivot. By how far each line
//! moves over the pattern, in heights: flat is at most `level_tolerance`; rising or falling at least 0.25. Triangles and
//! wedges narrow by at least 0.3 but have not met. Known when a close breaks a line. Triangles and rectangles point
//! where they break; a rising wedge points down, a falling one up, and the other break voids it.
//! Target: one height on from the broken line; for a wedge, the price it began at. Invalidation: the last pivot on the
//! other side. After Edwards and Magee, and Bulkowski.
//! Score: mean of the touches' closeness to the lines, their number (8 = 1), and the share of the height travelled.

use super::finding::{Candidate, Exit, Goal, Line, Plan, Point, closeness, mean_score, shown};
use super::kinds::Kind;
use super::shape::Shape;
use crate::ta::kit::float;

const MOST_TOUCHES: usize = 8;
const LEAST_MOVE: f64 = 0.25;
const LEAST_NARROWING: f64 = 0.3;
/// The lines must still be this share of the height apart at the last pivot.
const LEAST_WIDTH: f64 = 0.05;

pub(crate) fn find(shape: &Shape<'_>) -> Option<Candidate> {
    (shape.params.line_touches..=MOST_TOUCHES).rev().find_map(|touches| fitted(shape, touches))
}

/// What two lines look like on the turned chart, and whether it is a wedge.
fn classify(upper: f64, lower: f64, flat: f64) -> Option<(Kind, bool)> {
    let narrows = lower - upper >= LEAST_NARROWING;
    let [upper_flat, lower_flat] = [upper, lower].map(|moved| moved.abs() <= flat);
    if upper_flat && lower_flat {
        return Some((Kind::Rectangle, false));
    }
    if !narrows {
        return None;
    }
    if upper_flat && lower >= LEAST_MOVE {
        Some((Kind::AscendingTriangle, false))
    } else if lower_flat && upper <= -LEAST_MOVE {
        Some((Kind::DescendingTriangle, false))
    } else if upper <= -LEAST_MOVE && lower >= LEAST_MOVE {
        Some((Kind::SymmetricalTriangle, false))
    } else if upper >= LEAST_MOVE && lower >= LEAST_MOVE {
        Some((Kind::RisingWedge, true))
    } else if upper <= -LEAST_MOVE && lower <= -LEAST_MOVE {
        Some((Kind::FallingWedge, true))
    } else {
        None
    }
}

/// The name on the chart as it stands.
fn turned_back(kind: Kind) -> Kind {
    match kind {
        Kind::AscendingTriangle => Kind::DescendingTriangle,
        Kind::DescendingTriangle => Kind::AscendingTriangle,
        Kind::RisingWedge => Kind::FallingWedge,
        Kind::FallingWedge => Kind::RisingWedge,
        other => other,
    }
}

fn fitted(shape: &Shape<'_>, touches: usize) -> Option<Candidate> {
    let points: Vec<Point> =
        shape.pivots.get(shape.pivots.len().checked_sub(touches)?..)?.iter().map(|pivot| shape.point(pivot)).collect();
    let (first, before_last, last) = (*points.first()?, *points.get(touches - 2)?, *points.last()?);
    // The last pivot is a high; every second one before it is too.
    let pick = |skip: usize| points.iter().rev().skip(skip).step_by(2).copied().collect::<Vec<Point>>();
    let (highs, lows) = (pick(0), pick(1));
    let (upper, lower) = (Line::fit(&highs), Line::fit(&lows));
    let height = upper.value(first.bar) - lower.value(first.bar);
    let span = last.at() - first.at();
    let moved = |line: &Line| line.slope * span / height;
    let (up_move, low_move) = (moved(&upper), moved(&lower));
    let miss = upper.worst_miss(&highs).max(lower.worst_miss(&lows)) / height;
    let width = upper.value(last.bar) - lower.value(last.bar);
    let slack = shape.params.line_tolerance;
    if height.is_nan() || height <= 0.0 || miss > slack || width < LEAST_WIDTH * height || !shape.spans(&first, &last) {
        return None;
    }
    let (turned, is_wedge) = classify(up_move, low_move, shape.params.level_tolerance)?;
    let kind = if shape.upright() { turned } else { turned_back(turned) };
    if !shape.stays_between([first.bar, last.bar], &lower, &upper, slack * height) {
        return None;
    }
    let down = Exit { line: lower, outcome: Some((last.price, Goal::Measured(height))) };
    let up = Exit { line: upper, outcome: Some((before_last.price, Goal::Measured(height))) };
    let plan = match (is_wedge, turned) {
        (true, Kind::RisingWedge) => {
            let start = lows.iter().map(|low| low.price).fold(f64::MAX, f64::min);
            let down = Exit { line: lower, outcome: Some((last.price, Goal::Price(start))) };
            Plan::Break { down, up: Exit { line: upper, outcome: None }, expires: shape.deadline(first, last) }
        }
        (true, _) => {
            let start = highs.iter().map(|high| high.price).fold(f64::MIN, f64::max);
            let up = Exit { line: upper, outcome: Some((before_last.price, Goal::Price(start))) };
            Plan::Break { down: Exit { line: lower, outcome: None }, up, expires: shape.deadline(first, last) }
        }
        (false, _) => Plan::Break { down, up, expires: shape.deadline(first, last) },
    };
    let travelled = points.iter().zip(points.iter().skip(1)).map(|(from, to)| {
        let room = (upper.value(from.bar) - lower.value(from.bar)).max(width);
        ((to.price - from.price).abs() / room).min(1.0)
    });
    let travelled: Vec<f64> = travelled.collect();
    let full = float(touches) / float(MOST_TOUCHES);
    let score = mean_score(&[closeness(miss, slack), full, mean_score(&travelled)]);
    let labelled: Vec<(Point, &str)> = points
        .iter()
        .enumerate()
        .map(|(index, point)| {
            let is_high = (touches - 1 - index).is_multiple_of(2) == shape.upright();
            (*point, if is_high { "upper" } else { "lower" })
        })
        .collect();
    let words = format!(
        "{}: {touches} touches, none off its line by more than {:.0} % of the height {}; the upper line moves {:+.2}, the lower {:+.2} heights",
        kind.name().replace('_', " "),
        100.0 * miss,
        shown(height),
        if shape.upright() { up_move } else { -low_move },
        if shape.upright() { low_move } else { -up_move },
    );
    Some(Candidate { kind, sign: shape.sign, score, marks: shape.marks(&labelled), plan, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_slopes_name_the_shape_and_its_mirror_image() {
        let cases = [
            (0.0, 0.0, Some(Kind::Rectangle)),
            (0.05, 0.5, Some(Kind::AscendingTriangle)),
            (-0.5, 0.05, Some(Kind::DescendingTriangle)),
            (-0.4, 0.4, Some(Kind::SymmetricalTriangle)),
            (0.3, 0.9, Some(Kind::RisingWedge)),
            (-0.9, -0.3, Some(Kind::FallingWedge)),
            (0.5, 0.0, None),
            (0.5, 0.5, None),
        ];
        for (upper, lower, expected) in cases {
            assert_eq!(classify(upper, lower, 0.12).map(|(kind, _)| kind), expected, "{upper} {lower}");
            let mirrored = classify(-lower, -upper, 0.12).map(|(kind, _)| turned_back(kind));
            assert_eq!(mirrored, expected, "mirrored {upper} {lower}");
        }
    }
}
