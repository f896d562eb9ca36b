//! Harmonic patterns: five pivots X-A-B-C-D (four for ABCD) whose legs stand in set ratios.
//!
//! Described with D a high (bearish); a bullish one is the same upside down. Known when D is a confirmed pivot, which
//! needs no break. Ratios, each allowed to miss by `harmonic_tolerance` of itself:
//!
//! | pattern   | AB / XA       | BC / AB       | CD / BC       | D                        | invalidation     |
//! |-----------|---------------|---------------|---------------|--------------------------|------------------|
//! | Gartley   | 0.618         | 0.382 - 0.886 | 1.13 - 1.618  | AD = 0.786 XA            | X                |
//! | Butterfly | 0.786         | 0.382 - 0.886 | 1.618 - 2.24  | AD = 1.27 XA             | AD = 1.414 XA    |
//! | Bat       | 0.382 - 0.5   | 0.382 - 0.886 | 1.618 - 2.618 | AD = 0.886 XA            | X                |
//! | Crab      | 0.382 - 0.618 | 0.382 - 0.886 | 2.24 - 3.618  | AD = 1.618 XA            | AD = 2 XA        |
//! | Shark     | 0.382 - 0.886 | 1.13 - 1.618  | 1.618 - 2.24  | AD = 0.886 - 1.13 XA     | AD = 1.27 XA     |
//! | Cypher    | 0.382 - 0.618 | XC = 1.272 - 1.414 XA | -     | CD = 0.786 XC            | X                |
//! | ABCD      | -             | 0.618 - 0.786 | -             | CD = AB                  | CD = 1.27 AB     |
//!
//! Sources: H. M. Gartley, "Profits in the Stock Market", 1935 (the shape); Scott M. Carney, "Harmonic Trading" vol. 1
//! and 2, 2010 (Gartley, Bat, Butterfly, Crab, ABCD), vol. 3, 2016 (Shark, his 0-X-A-B-C, here labelled so); the Cypher
//! is Darren Oglesbee's, in the ratios commonly used. Target: 0.382 of AD back from D (Carney's first objective; CD for
//! ABCD and Cypher, half of BC of 0-X-A-B-C for the Shark). Score: 1 minus the mean miss of the ratios, in tolerances.

use super::finding::{Candidate, Plan, Point, mean_score, shown};
use super::kinds::Kind;
use super::shape::Shape;

/// A ratio's range; both ends equal for a single number.
type Range = [f64; 2];

/// What D is measured against.
enum Completion {
    /// AD / XA.
    OfXa,
    /// CD / XC.
    OfXc,
}

struct Harmonic {
    kind: Kind,
    ab: Range,
    /// BC / AB; for the Cypher XC / XA.
    bc: Range,
    cd: Option<Range>,
    completion: Completion,
    d: Range,
    /// AD / XA beyond which it has failed.
    fails: f64,
}

const TABLE: [Harmonic; 6] = [
    Harmonic {
        kind: Kind::Gartley,
        ab: [0.618, 0.618],
        bc: [0.382, 0.886],
        cd: Some([1.13, 1.618]),
        completion: Completion::OfXa,
        d: [0.786, 0.786],
        fails: 1.0,
    },
    Harmonic {
        kind: Kind::Butterfly,
        ab: [0.786, 0.786],
        bc: [0.382, 0.886],
        cd: Some([1.618, 2.24]),
        completion: Completion::OfXa,
        d: [1.27, 1.27],
        fails: 1.414,
    },
    Harmonic {
        kind: Kind::Bat,
        ab: [0.382, 0.5],
        bc: [0.382, 0.886],
        cd: Some([1.618, 2.618]),
        completion: Completion::OfXa,
        d: [0.886, 0.886],
        fails: 1.0,
    },
    Harmonic {
        kind: Kind::Crab,
        ab: [0.382, 0.618],
        bc: [0.382, 0.886],
        cd: Some([2.24, 3.618]),
        completion: Completion::OfXa,
        d: [1.618, 1.618],
        fails: 2.0,
    },
    Harmonic {
        kind: Kind::Shark,
        ab: [0.382, 0.886],
        bc: [1.13, 1.618],
        cd: Some([1.618, 2.24]),
        completion: Completion::OfXa,
        d: [0.886, 1.13],
        fails: 1.27,
    },
    Harmonic {
        kind: Kind::Cypher,
        ab: [0.382, 0.618],
        bc: [1.272, 1.414],
        cd: None,
        completion: Completion::OfXc,
        d: [0.786, 0.786],
        fails: 1.0,
    },
];

const ABCD_BC: Range = [0.618, 0.786];
const ABCD_FAILS: f64 = 1.27;
const FIRST_OBJECTIVE: f64 = 0.382;
const SHARK_OBJECTIVE: f64 = 0.5;

/// By how many tolerances a ratio misses its range; none when by more than one.
fn miss(ratio: f64, [low, high]: Range, tolerance: f64) -> Option<f64> {
    let outside = (low - ratio).max(ratio - high).max(0.0);
    let nearest = if ratio < low { low } else { high };
    let missed = outside / (tolerance * nearest);
    // `max` passes over a NaN.
    (missed <= 1.0 && !ratio.is_nan()).then_some(missed)
}

/// Every harmonic that the last pivot completes, the five-pivot ones first.
pub(crate) fn find(shape: &Shape<'_>, found: &mut Vec<Candidate>) {
    if let Some(points) = shape.last::<5>() {
        found.extend(TABLE.iter().filter_map(|harmonic| five(shape, harmonic, points)));
    }
    found.extend(shape.last::<4>().and_then(|points| abcd(shape, points)));
}

fn five(shape: &Shape<'_>, harmonic: &Harmonic, [x, a, b, c, d]: [Point; 5]) -> Option<Candidate> {
    let kind = harmonic.kind;
    if !shape.params.wants(kind) {
        return None;
    }
    let tolerance = shape.params.harmonic_tolerance;
    let (xa, ab, bc, cd) = (x.price - a.price, b.price - a.price, b.price - c.price, d.price - c.price);
    let (ab_ratio, cd_ratio, ad_ratio) = (ab / xa, cd / bc, (d.price - a.price) / xa);
    let xc = x.price - c.price;
    let (bc_name, bc_ratio, d_name, d_ratio) = match harmonic.completion {
        Completion::OfXa => ("BC/AB", bc / ab, "AD/XA", ad_ratio),
        Completion::OfXc => ("XC/XA", xc / xa, "CD/XC", cd / xc),
    };
    let mut misses = vec![
        miss(ab_ratio, harmonic.ab, tolerance)?,
        miss(bc_ratio, harmonic.bc, tolerance)?,
        miss(d_ratio, harmonic.d, tolerance)?,
    ];
    if let Some(range) = harmonic.cd {
        misses.push(miss(cd_ratio, range, tolerance)?);
    }
    let invalidation = a.price + harmonic.fails * xa;
    let back = match kind {
        Kind::Shark => SHARK_OBJECTIVE * cd,
        Kind::Cypher => FIRST_OBJECTIVE * cd,
        _ => FIRST_OBJECTIVE * (d.price - a.price),
    };
    let names = if kind == Kind::Shark { ["0", "X", "A", "B", "C"] } else { ["X", "A", "B", "C", "D"] };
    let words = format!(
        "{}: AB/XA {ab_ratio:.3}, {bc_name} {bc_ratio:.3}, CD/BC {cd_ratio:.3}, {d_name} {d_ratio:.3}{}; D at {}",
        kind.name(),
        if kind == Kind::Shark { " (0-X-A-B-C read as X-A-B-C-D)" } else { "" },
        shown(shape.sign * d.price),
    );
    let labelled: Vec<(Point, &str)> = [x, a, b, c, d].into_iter().zip(names).collect();
    candidate(shape, kind, &labelled, &misses, [invalidation, d.price - back], words)
}

fn abcd(shape: &Shape<'_>, [a, b, c, d]: [Point; 4]) -> Option<Candidate> {
    if !shape.params.wants(Kind::Abcd) {
        return None;
    }
    let tolerance = shape.params.harmonic_tolerance;
    let (ab, bc, cd) = (b.price - a.price, b.price - c.price, d.price - c.price);
    let (bc_ratio, cd_ratio) = (bc / ab, cd / ab);
    let misses = [miss(bc_ratio, ABCD_BC, tolerance)?, miss(cd_ratio, [1.0, 1.0], tolerance)?];
    let words = format!("abcd: BC/AB {bc_ratio:.3}, CD/AB {cd_ratio:.3}; D at {}", shown(shape.sign * d.price));
    let labelled = [(a, "A"), (b, "B"), (c, "C"), (d, "D")];
    let levels = [c.price + ABCD_FAILS * ab, d.price - FIRST_OBJECTIVE * cd];
    candidate(shape, Kind::Abcd, &labelled, &misses, levels, words)
}

fn candidate(
    shape: &Shape<'_>,
    kind: Kind,
    labelled: &[(Point, &str)],
    misses: &[f64],
    [invalidation, target]: [f64; 2],
    words: String,
) -> Option<Candidate> {
    let d = labelled.last()?.0.price;
    // D's own extreme may not have reached the level that voids the pattern.
    (invalidation > d).then(|| Candidate {
        kind,
        sign: shape.sign,
        score: 1.0 - mean_score(misses),
        marks: shape.marks(labelled),
        plan: Plan::Now { invalidation, target: Some(target) },
        words,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_is_counted_in_tolerances_of_the_nearest_ratio() {
        let two_digits = |missed: Option<f64>| missed.map(|missed| (missed * 100.0).round() / 100.0);
        assert_eq!(two_digits(miss(0.618, [0.618, 0.618], 0.05)), Some(0.0));
        assert_eq!(two_digits(miss(0.5, [0.382, 0.886], 0.05)), Some(0.0));
        assert_eq!(two_digits(miss(1.0 + 0.025, [1.0, 1.0], 0.05)), Some(0.5));
        assert_eq!(two_digits(miss(0.382 * 0.96, [0.382, 0.5], 0.05)), Some(0.8));
        assert_eq!(miss(0.7, [0.618, 0.618], 0.05), None);
        assert_eq!(miss(f64::NAN, [0.618, 0.618], 0.05), None);
    }
}
