//! Double and triple tops, and upside down the bottoms.
//!
//! A rise to the first top, one or two pull-backs to a neckline, and tops that lie at most `level_tolerance` heights
//! apart, the height being that of the mean top over the neckline. Known when a close breaks the neckline; void when
//! one rises above the highest top (also the invalidation). Target: the height, measured down from the neckline.
//! After Thomas N. Bulkowski, "Encyclopedia of Chart Patterns", 2nd ed. 2005, who counts only patterns that broke out.
//! Score: mean of the tops' closeness, the size of the rise before (2 heights = 1), and evenness in time.

use super::finding::{Candidate, Exit, Goal, Line, Plan, Point, closeness, evenness, mean_score, shown};
use super::kinds::Kind;
use super::shape::Shape;

pub(crate) fn find(shape: &Shape<'_>) -> Option<Candidate> {
    // A triple top ends in a double top; the larger shape is reported.
    triple(shape).or_else(|| double(shape))
}

fn double(shape: &Shape<'_>) -> Option<Candidate> {
    let [origin, first, neck, second] = shape.last()?;
    let kind = if shape.upright() { Kind::DoubleTop } else { Kind::DoubleBottom };
    let label = if shape.upright() { ["top", "neckline"] } else { ["bottom", "neckline"] };
    let labelled = [(first, label[0]), (neck, label[1]), (second, label[0])];
    let time = evenness(neck.bar.saturating_sub(first.bar), second.bar.saturating_sub(neck.bar));
    candidate(shape, kind, origin, &[first, second], &[neck], &labelled, time)
}

fn triple(shape: &Shape<'_>) -> Option<Candidate> {
    let [origin, first, left, second, right, third] = shape.last()?;
    let kind = if shape.upright() { Kind::TripleTop } else { Kind::TripleBottom };
    let label = if shape.upright() { "top" } else { "bottom" };
    let labelled = [(first, label), (left, "neckline"), (second, label), (right, "neckline"), (third, label)];
    let time = evenness(second.bar.saturating_sub(first.bar), third.bar.saturating_sub(second.bar));
    candidate(shape, kind, origin, &[first, second, third], &[left, right], &labelled, time)
}

/// Pull-backs of a triple top may end this share of its height apart.
const NECK_SPREAD: f64 = 0.4;
/// The shorter part must last at least this share of the longer.
const LEAST_EVENNESS: f64 = 0.2;

fn candidate(
    shape: &Shape<'_>,
    kind: Kind,
    origin: Point,
    tops: &[Point],
    necks: &[Point],
    labelled: &[(Point, &str)],
    time: f64,
) -> Option<Candidate> {
    let (first, last) = (tops.first()?, tops.last()?);
    let prices = || tops.iter().map(|top| top.price);
    let (highest, lowest) = (prices().fold(f64::MIN, f64::max), prices().fold(f64::MAX, f64::min));
    let necklines = || necks.iter().map(|neck| neck.price);
    let (upper_neck, neckline) = (necklines().fold(f64::MIN, f64::max), necklines().fold(f64::MAX, f64::min));
    let height = (highest + lowest) / 2.0 - neckline;
    let rise = first.price - origin.price;
    let apart = highest - lowest;
    if height <= 0.0
        || apart > shape.params.level_tolerance * height
        || rise < shape.params.prior_trend * height
        || upper_neck - neckline > NECK_SPREAD * height
        || time < LEAST_EVENNESS
    {
        return None;
    }
    let score =
        mean_score(&[closeness(apart, shape.params.level_tolerance * height), (rise / height / 2.0).min(1.0), time]);
    let words = format!(
        "{}: {} {} between {} and {}, {:.0} % of the height apart; neckline {}; the move before was {:.1} heights",
        kind.name().replace('_', " "),
        tops.len(),
        if shape.upright() { "tops" } else { "bottoms" },
        shown(shape.sign * lowest),
        shown(shape.sign * highest),
        100.0 * apart / height,
        shown(shape.sign * neckline),
        rise / height,
    );
    let plan = Plan::Break {
        down: Exit { line: Line::level(neckline), outcome: Some((highest, Goal::Measured(height))) },
        up: Exit { line: Line::level(highest), outcome: None },
        expires: shape.deadline(*first, *last),
    };
    Some(Candidate { kind, sign: shape.sign, score, marks: shape.marks(labelled), plan, words })
}
