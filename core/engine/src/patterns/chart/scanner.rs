//! The scanner: bars in, findings out, each when it becomes knowable.
//!
//! Per scale: swings; when a pivot is confirmed every family looks at the last pivots and may leave a candidate; a
//! candidate becomes a finding at the close that breaks its line. Nothing is ever taken back or looked up ahead, so the
//! findings of a prefix are a prefix of the findings, to the last bit. O(1) a bar and O(`max_bars`) a pivot.

use serde::{Deserialize, Serialize};

use super::finding::{Candidate, Finding, Step};
use super::kinds::{Direction, Kind};
use super::params::{ChartError, ChartParams, MAX_PRICE, Unit};
use super::shape::{Closes, Shape};
use super::swings::{Pivot, RangeAverage, Swings};
use super::{cup, flags, harmonics, head_shoulders, tops, triangles};
use crate::ta::kit::seal::{seal, unseal};

/// Pivots kept for each scale.
const KEPT_PIVOTS: usize = 24;

/// Layout of a snapshot.
const VERSION: u8 = 2;

type Family = fn(&Shape<'_>) -> Option<Candidate>;
/// Families of patterns that wait for a break, and what they find; each has one candidate for each scale and side at a
/// time. A family is run whole or not at all, so that asking for some kinds shows what asking for all shows of them.
const FAMILIES: [(Family, &[Kind]); 5] = [
    (tops::find, &[Kind::DoubleTop, Kind::DoubleBottom, Kind::TripleTop, Kind::TripleBottom]),
    (head_shoulders::find, &[Kind::HeadAndShoulders, Kind::InverseHeadAndShoulders]),
    (
        triangles::find,
        &[
            Kind::AscendingTriangle,
            Kind::DescendingTriangle,
            Kind::SymmetricalTriangle,
            Kind::RisingWedge,
            Kind::FallingWedge,
            Kind::Rectangle,
        ],
    ),
    (flags::find, &[Kind::BullFlag, Kind::BearFlag, Kind::BullPennant, Kind::BearPennant]),
    (cup::find, &[Kind::CupAndHandle, Kind::InverseCupAndHandle]),
];
/// Place of the flags among them.
const FLAGS: usize = 3;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    family: usize,
    candidate: Candidate,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Scale {
    reversal: f64,
    /// Half the smallest scale is searched for flags only: they are small against the pole that sets the range.
    only_flags: bool,
    swings: Swings,
    pivots: Vec<Pivot>,
    waiting: Vec<Waiting>,
}

/// Looks for chart patterns bar by bar.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChartScanner {
    params: ChartParams,
    range: RangeAverage,
    scales: Vec<Scale>,
    closes: Closes,
    /// What was found lately, with its first and last pivot's bar: the same shape is often seen at several scales.
    reported: Vec<(Kind, Direction, [usize; 2])>,
    next_bar: usize,
}

/// Refuse a bar that no calculation can be done with.
pub(crate) fn check_bar(row: usize, bar: [f64; 4], percent: bool) -> Result<(), ChartError> {
    for (name, value) in ["open", "high", "low", "close"].into_iter().zip(bar) {
        if value.is_nan() || value.abs() > MAX_PRICE {
            return Err(ChartError::NotUsable { name, row, value });
        }
        if percent && value <= 0.0 {
            return Err(ChartError::NotPositive { name, row, value });
        }
    }
    let [_, high, low, _] = bar;
    if high < low {
        return Err(ChartError::HighBelowLow { row, high, low });
    }
    Ok(())
}

impl ChartScanner {
    /// Before the first bar.
    ///
    /// # Errors
    /// A parameter out of bounds.
    pub fn new(params: ChartParams) -> Result<Self, ChartError> {
        params.check()?;
        let scale = |reversal: f64, only_flags: bool| Scale {
            reversal,
            only_flags,
            swings: Swings::new(params.unit, reversal),
            pivots: Vec::new(),
            waiting: Vec::new(),
        };
        let half = params.scales.iter().take(1).map(|smallest| scale(smallest / 2.0, true));
        let scales = half.chain(params.scales.iter().map(|reversal| scale(*reversal, false))).collect();
        Ok(Self {
            scales,
            range: RangeAverage::new(params.atr_period),
            closes: Closes::default(),
            reported: Vec::new(),
            next_bar: 0,
            params,
        })
    }

    /// Bars taken in.
    #[must_use]
    pub const fn bars(&self) -> usize {
        self.next_bar
    }

    /// The scanner as bytes, to go on with later.
    ///
    /// # Errors
    /// Never in practice: the encoder has no failing case for these types.
    pub fn snapshot(&self) -> Result<Vec<u8>, ChartError> {
        seal(&(VERSION, self)).ok_or_else(|| ChartError::Snapshot { reason: "it cannot be written".to_owned() })
    }

    /// A scanner that goes on where [`Self::snapshot`] was taken.
    ///
    /// # Errors
    /// Bytes of another version or of anything else.
    pub fn restore(bytes: &[u8]) -> Result<Self, ChartError> {
        let refuse = |reason: String| ChartError::Snapshot { reason };
        let sealed: Option<(u8, Self)> = unseal(bytes);
        let (version, scanner) = sealed.ok_or_else(|| refuse("the bytes are cut or changed".to_owned()))?;
        if version != VERSION {
            return Err(refuse(format!("it is of version {version}, not {VERSION}")));
        }
        scanner.params.check()?;
        Ok(scanner)
    }

    /// Take a bar (open, high, low, close); answers what became known at its close, large scales first.
    ///
    /// When one shape becomes known at several scales at once, the largest has the say where its pivots are.
    ///
    /// # Errors
    /// A bar that cannot be used; the scanner is as it was before.
    pub fn next(&mut self, bar: [f64; 4]) -> Result<Vec<Finding>, ChartError> {
        check_bar(self.next_bar, bar, self.params.unit == Unit::Percent)?;
        let [_, high, low, close] = bar;
        let at = self.next_bar;
        self.next_bar += 1;
        let range = self.range.next(high, low, close);
        self.closes.push(close, self.params.max_bars * 2 + 2);
        let margin = self.params.breakout * range;
        let mut found = Vec::new();
        for scale in self.scales.iter_mut().rev() {
            if let Some(pivot) = scale.swings.next(at, high, low, range) {
                if scale.pivots.len() == KEPT_PIVOTS {
                    scale.pivots.remove(0);
                }
                scale.pivots.push(pivot);
                let sign = if pivot.is_high { 1.0 } else { -1.0 };
                let shape = Shape { pivots: &scale.pivots, closes: &self.closes, params: &self.params, range, sign };
                if !scale.only_flags {
                    let mut candidates = Vec::new();
                    harmonics::find(&shape, &mut candidates);
                    let settled = candidates.iter().filter_map(|one| settle(one, at, close, margin, scale.reversal));
                    found.extend(settled);
                }
                for (family, (find, kinds)) in FAMILIES.iter().enumerate() {
                    let skipped = scale.only_flags && family != FLAGS;
                    if skipped || !kinds.iter().any(|kind| self.params.wants(*kind)) {
                        continue;
                    }
                    if let Some(candidate) = find(&shape) {
                        scale.waiting.retain(|old| old.family != family || old.candidate.sign != candidate.sign);
                        scale.waiting.push(Waiting { family, candidate });
                    }
                }
            }
            let reversal = scale.reversal;
            scale.waiting.retain(|waiting| match waiting.candidate.step(at, close, margin) {
                Step::Wait => true,
                Step::Drop => false,
                Step::Found { .. } => {
                    found.extend(settle(&waiting.candidate, at, close, margin, reversal));
                    false
                }
            });
        }
        self.remember(at, &mut found);
        Ok(found)
    }

    /// Drop what was reported before at another scale, and what scores too low.
    fn remember(&mut self, at: usize, found: &mut Vec<Finding>) {
        if found.is_empty() {
            return;
        }
        let horizon = self.params.max_bars * 7;
        self.reported.retain(|(_, _, [_, end])| at.saturating_sub(*end) <= horizon);
        let (reported, params) = (&mut self.reported, &self.params);
        found.retain(|finding| {
            let Finding { kind, direction, start, end, .. } = *finding;
            // A shape of the same name that shares its first or its last pivot is the same one once more.
            let again = |known: &(Kind, Direction, [usize; 2])| {
                (known.0, known.1) == (kind, direction) && (known.2[0] == start || known.2[1] == end)
            };
            let asked = params.wants(kind) && finding.score >= params.min_score;
            let fresh = asked && !reported.iter().any(again);
            if fresh {
                reported.push((kind, direction, [start, end]));
            }
            fresh
        });
    }
}

fn settle(candidate: &Candidate, bar: usize, close: f64, margin: f64, scale: f64) -> Option<Finding> {
    match candidate.step(bar, close, margin) {
        Step::Found { turn, invalidation, target, line } => {
            Some(candidate.report(bar, scale, (turn, invalidation, target, line)))
        }
        Step::Wait | Step::Drop => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Straight legs of ten bars through these prices, the high and low 0.01 off the close.
    fn bars(turns: &[f64]) -> Vec<[f64; 4]> {
        let legs = turns.iter().zip(turns.iter().skip(1));
        let step = |(from, to): (&f64, &f64)| {
            let (from, to) = (*from, *to);
            (0..10).map(move |bar| from + (to - from) * f64::from(bar) / 10.0)
        };
        legs.flat_map(step).map(|close| [close, close + 0.01, close - 0.01, close]).collect()
    }

    fn found(turns: &[f64], kind: Kind) -> Result<Vec<Finding>, ChartError> {
        let mut scanner = ChartScanner::new(ChartParams { kinds: vec![kind], ..ChartParams::default() })?;
        let mut all = Vec::new();
        for bar in bars(turns) {
            all.extend(scanner.next(bar)?);
        }
        Ok(all)
    }

    #[test]
    fn a_double_top_is_known_at_the_close_below_its_neckline() -> Result<(), ChartError> {
        let all = found(&[9.4, 9.0, 11.0, 10.0, 11.0, 9.0], Kind::DoubleTop)?;
        let [top] = all.as_slice() else { return Err(ChartError::Scales { given: all.len() }) };
        assert_eq!((top.direction, top.start, top.end), (Direction::Bearish, 20, 40));
        // The neckline is the low 9.99; 10.0 at bar 45 is above it, 9.8 at bar 46 below.
        assert_eq!((top.confirmed_at, top.invalidation), (46, 11.01));
        assert!(top.target.is_some_and(|target| (target - 8.97).abs() < 1e-9), "{:?}", top.target);
        // A third top above the others voids it; a fall that stops above the neckline never makes it one.
        assert_eq!(found(&[9.4, 9.0, 11.0, 10.0, 11.0, 10.5, 11.5, 9.0], Kind::DoubleTop)?, []);
        assert_eq!(found(&[9.4, 9.0, 11.0, 10.0, 11.0, 10.1, 10.9], Kind::DoubleTop)?, []);
        Ok(())
    }

    #[test]
    fn a_refused_bar_changes_nothing_and_a_snapshot_goes_on() -> Result<(), ChartError> {
        let all = bars(&[9.4, 9.0, 11.0, 10.0, 11.0, 9.0]);
        let (mut scanner, mut expected) = (ChartScanner::new(ChartParams::default())?, Vec::new());
        let mut other = scanner.clone();
        let mut shown = Vec::new();
        for bar in all {
            expected.extend(scanner.next(bar)?);
            assert!(other.next([f64::NAN; 4]).is_err());
            assert!(other.next([1.0, 1.0, 2.0, 1.0]).is_err());
            other = ChartScanner::restore(&other.snapshot()?)?;
            shown.extend(other.next(bar)?);
        }
        assert_eq!(shown, expected);
        assert!(!expected.is_empty());
        Ok(())
    }
}
