//! Flags and pennants: a pole, then a small channel or triangle, then on in the pole's direction.
//!
//! Described for a fall (a bear flag); a bull flag is the same upside down. The pole is one leg of at least five average
//! true ranges, with a speed of at least `pole_speed` of them a bar. Four more pivots make two lines, the lower through the pole's end. They take
//! back at most half of the pole and last at most three times as long. Flag: the lines stay 0.6 to 1.5 times as far apart
//! and drift against the pole or not at all; pennant: they narrow below 0.6, the upper falling, the lower rising.
//! Known when a close breaks the line in the pole's direction; void when one goes beyond the flag's other end (also the
//! invalidation). Target: the pole's length, measured on from the broken line ("the flag flies at half-mast"; Edwards
//! and Magee). Score: mean of how little of the pole is taken back, its speed (2x the least = 1), how short the flag is,
//! and how parallel (flag) or narrow (pennant) it is.

use super::finding::{Candidate, Exit, Goal, Line, Plan, closeness, mean_score, shown};
use super::kinds::Kind;
use super::shape::Shape;

const MOST_RETRACED: f64 = 0.5;
const MOST_BARS: f64 = 3.0;
const LEAST_POLE_BARS: usize = 2;
/// Least length of the pole in average true ranges.
const LEAST_POLE: f64 = 5.0;
/// A flag may drift on with the pole by this share of it.
const MOST_DRIFT: f64 = 0.1;

pub(crate) fn find(shape: &Shape<'_>) -> Option<Candidate> {
    let [start, end, first_high, low, high] = shape.last()?;
    let pole = start.price - end.price;
    let pole_bars = end.at() - start.at();
    let speed = pole / pole_bars / shape.range;
    let (lower, upper) = (Line::through(end, low), Line::through(first_high, high));
    let bars = high.at() - end.at();
    let highest = first_high.price.max(high.price);
    let retraced = (highest - end.price) / pole;
    let (wide, narrow) = (upper.value(end.bar) - end.price, high.price - lower.value(high.bar));
    let ratio = narrow / wide;
    let drift = (upper.slope + lower.slope) / 2.0 * bars / pole;
    let fits = pole > 0.0
        && pole >= LEAST_POLE * shape.range
        && end.bar.saturating_sub(start.bar) >= LEAST_POLE_BARS
        && speed >= shape.params.pole_speed
        && retraced <= MOST_RETRACED
        && bars <= MOST_BARS * pole_bars
        && wide > 0.0
        && narrow > 0.0;
    if !fits {
        return None;
    }
    let is_flag = (0.6..=1.5).contains(&ratio) && drift >= -MOST_DRIFT;
    let is_pennant = ratio < 0.6 && upper.slope < 0.0 && lower.slope > 0.0;
    let kind = match (is_flag, is_pennant, shape.upright()) {
        (true, _, true) => Kind::BearFlag,
        (true, _, false) => Kind::BullFlag,
        (_, true, true) => Kind::BearPennant,
        (_, true, false) => Kind::BullPennant,
        _ => return None,
    };
    let slack = shape.params.line_tolerance * pole;
    if !shape.stays_between([end.bar + 1, high.bar], &lower, &upper, slack) {
        return None;
    }
    let form = if is_flag { closeness(1.0 - ratio, 0.5) } else { closeness(ratio - 0.3, 0.6) };
    let score = mean_score(&[
        closeness(retraced, MOST_RETRACED),
        (speed / shape.params.pole_speed / 2.0).min(1.0),
        closeness(bars, MOST_BARS * pole_bars),
        form,
    ]);
    let words = format!(
        "{}: pole from {} to {} in {} bars ({speed:.1} average ranges a bar); {:.0} % of it taken back in {} bars",
        kind.name().replace('_', " "),
        shown(shape.sign * start.price),
        shown(shape.sign * end.price),
        end.bar.saturating_sub(start.bar),
        100.0 * retraced,
        high.bar.saturating_sub(end.bar),
    );
    let labelled = [(start, "pole start"), (end, "pole end"), (first_high, "flag"), (low, "flag"), (high, "flag")];
    let plan = Plan::Break {
        down: Exit { line: lower, outcome: Some((highest, Goal::Measured(pole))) },
        up: Exit { line: Line::level(highest), outcome: None },
        expires: shape.deadline(end, high),
    };
    Some(Candidate { kind, sign: shape.sign, score, marks: shape.marks(&labelled), plan, words })
}
