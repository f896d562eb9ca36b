//! Head and shoulders, and upside down the inverse.
//!
//! A rise, then three tops of which the middle one, the head, is the highest, over a neckline through the two lows
//! between. With the head's height over the neckline as 1: the head rises over both shoulders by at least 0.15, both
//! shoulders rise over the neckline by at least 0.2 and lie at most `shoulder_tolerance` apart, the neckline's ends at
//! most 0.35, and neither side lasts more than four times the other. Known when a close breaks the neckline; void when
//! one rises above the right shoulder (also the invalidation: the usual place of a stop). Target: the height, measured
//! down from the neckline. After Robert D. Edwards and John Magee, "Technical Analysis of Stock Trends", 1948, and
//! Bulkowski. Score: mean of the shoulders' closeness, the neckline's flatness, evenness in time, the head's rise over
//! the shoulders (0.4 = 1).

use super::finding::{Candidate, Exit, Goal, Line, Plan, closeness, evenness, mean_score, shown};
use super::kinds::Kind;
use super::shape::Shape;

const LEAST_PROMINENCE: f64 = 0.15;
const FULL_PROMINENCE: f64 = 0.4;
const LEAST_SHOULDER: f64 = 0.2;
const MOST_TILT: f64 = 0.35;
const LEAST_EVENNESS: f64 = 0.25;

pub(crate) fn find(shape: &Shape<'_>) -> Option<Candidate> {
    let kind = if shape.upright() { Kind::HeadAndShoulders } else { Kind::InverseHeadAndShoulders };
    let [origin, left, left_neck, head, right_neck, right] = shape.last()?;
    let neckline = Line::through(left_neck, right_neck);
    let height = head.price - neckline.value(head.bar);
    let shoulders = (left.price - neckline.value(left.bar)).min(right.price - neckline.value(right.bar));
    let prominence = (head.price - left.price.max(right.price)) / height;
    let apart = (left.price - right.price).abs() / height;
    let tilt = (left_neck.price - right_neck.price).abs() / height;
    let time = evenness(head.bar.saturating_sub(left.bar), right.bar.saturating_sub(head.bar));
    let rise = (head.price - origin.price) / height;
    let fits = height > 0.0
        && prominence >= LEAST_PROMINENCE
        && shoulders >= LEAST_SHOULDER * height
        && apart <= shape.params.shoulder_tolerance
        && tilt <= MOST_TILT
        && time >= LEAST_EVENNESS
        && rise >= shape.params.prior_trend
        && origin.price < left_neck.price.min(right_neck.price);
    if !fits {
        return None;
    }
    let score = mean_score(&[
        closeness(apart, shape.params.shoulder_tolerance),
        closeness(tilt, MOST_TILT),
        time,
        (prominence / FULL_PROMINENCE).min(1.0),
    ]);
    let words = format!(
        "{}: head {} over shoulders {} and {} ({:.0} % of the height apart); neckline from {} to {}",
        kind.name().replace('_', " "),
        shown(shape.sign * head.price),
        shown(shape.sign * left.price),
        shown(shape.sign * right.price),
        100.0 * apart,
        shown(shape.sign * left_neck.price),
        shown(shape.sign * right_neck.price),
    );
    let labelled = [
        (left, "left shoulder"),
        (left_neck, "neckline"),
        (head, "head"),
        (right_neck, "neckline"),
        (right, "right shoulder"),
    ];
    let plan = Plan::Break {
        down: Exit { line: neckline, outcome: Some((right.price, Goal::Measured(height))) },
        up: Exit { line: Line::level(right.price), outcome: None },
        expires: shape.deadline(left, right),
    };
    Some(Candidate { kind, sign: shape.sign, score, marks: shape.marks(&labelled), plan, words })
}
