//! All patterns in one pass, and what a rule made of one bar. O(1) a bar, whatever the averages' periods.
#![expect(clippy::indexing_slicing, reason = "stretches lie in the series, rows are COUNT values long")]

use std::ops::Range;

use super::candle::Candle;
use super::pattern::{Entry, Tuned, within};
use super::see::{Condition, See};
use super::settings::CandleSettings;
use super::traits::{Traits, WORD, WORDS};
use super::watch::{Block, Demand, Watch};
use crate::patterns::PATTERNS;
use crate::ta::kit::simd::{Job, LANES, Wide, dispatch};
use crate::ta::{Seed, Spec, TaError, find};

/// How many patterns there are; a bit each in a `u64`.
pub const COUNT: usize = PATTERNS.len();
const _: () = assert!(COUNT <= 64, "the set of candidates is a u64");

/// The four series of a pattern, of one length.
#[derive(Clone, Copy, Debug)]
pub struct Bars<'a> {
    series: [&'a [f64]; 4],
    length: usize,
}

impl<'a> Bars<'a> {
    /// Open, high, low, close.
    ///
    /// # Errors
    /// Series of different lengths.
    pub fn new(series: [&'a [f64]; 4]) -> Result<Self, TaError> {
        let [open, others @ ..] = series;
        let length = open.len();
        for (other, input) in others.iter().zip(["high", "low", "close"]) {
            if other.len() != length {
                let (first, name) = ("open", "patterns");
                return Err(TaError::LengthMismatch { name, input, length: other.len(), first, expected: length });
            }
        }
        Ok(Self { series, length })
    }

    /// How many bars there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn bar(&self, bar: usize) -> [f64; 4] {
        let [open, high, low, close] = self.series;
        [open[bar], high[bar], low[bar], close[bar]]
    }

    /// Runs of bars without a NaN or an infinity.
    fn stretches(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let complete = |bar: usize| self.bar(bar).iter().all(|price| price.is_finite());
        let (mut next, clean) = (0, dispatch(IsClean(self.series)));
        std::iter::from_fn(move || {
            if clean && next == 0 && self.length > 0 {
                next = self.length;
                return Some(0..next);
            }
            let first = (next..self.length).find(|bar| complete(*bar))?;
            next = (first..self.length).find(|bar| !complete(*bar)).unwrap_or(self.length);
            Some(first..next)
        })
    }

    fn part(&self, stretch: &Range<usize>) -> [&'a [f64]; 4] {
        self.series.map(|side| &side[stretch.clone()])
    }
}

/// Whether there is no NaN and no infinity in four series.
struct IsClean<'a>([&'a [f64]; 4]);

impl Job for IsClean<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<W: Wide>(self) -> bool {
        let mut sums = [W::default(); 4];
        let mut is_clean = true;
        for side in self.0 {
            let (rows, rest) = side.as_chunks::<LANES>();
            let (fours, others) = rows.as_chunks::<4>();
            // x * 0 is 0, but for NaN and infinities; a NaN stays in the sum.
            for four in fours {
                for (sum, row) in sums.iter_mut().zip(four) {
                    *sum += W::from_lanes(*row) * W::default();
                }
            }
            for value in others.as_flattened().iter().chain(rest) {
                is_clean &= value.is_finite();
            }
        }
        let [a, b, c, d] = sums;
        for sum in (a + b + (c + d)).to_lanes() {
            is_clean &= sum == 0.0;
        }
        is_clean
    }
}

/// Every pattern at every bar: [`COUNT`] values a bar, bar by bar, in the order of [`PATTERNS`], as TA-Lib's.
///
/// A bar with a NaN or an infinity is no pattern, and none reaches back over it.
#[must_use]
pub fn patterns(bars: &Bars<'_>, settings: &CandleSettings) -> Vec<i16> {
    let mut values = vec![0; bars.len() * COUNT];
    patterns_into(bars, settings, &mut values);
    values
}

/// As [`patterns`], into `values` of any content, [`COUNT`] for each bar; of others only the first are written.
pub fn patterns_into(bars: &Bars<'_>, settings: &CandleSettings, values: &mut [i16]) {
    let demands: Vec<Demand> = PATTERNS.iter().map(|entry| (entry.demand)(settings)).collect();
    let mut met = [[0; WORDS]; COUNT];
    let mut written = 0;
    for stretch in bars.stretches() {
        values[written * COUNT..stretch.start * COUNT].fill(0);
        written = stretch.end;
        let values = &mut values[stretch.start * COUNT..stretch.end * COUNT];
        let mut traits = Traits::wanted(PATTERNS.iter().flat_map(|entry| entry.needs));
        Block::over(bars.part(&stretch), settings, &demands, |block, columns, watch| {
            // Just before hits are written, so that the rows are still in the cache.
            values[block.first * COUNT..block.end * COUNT].fill(0);
            traits.find(block, watch, settings);
            traits.meeting_each(PATTERNS.iter().map(|entry| entry.needs), &mut met);
            let entries = PATTERNS.iter().zip(&met).zip(demands.iter().zip(columns));
            for (place, ((entry, met), (demand, columns))) in entries.enumerate() {
                let tuned = Tuned { settings, columns, penetration: entry.default_penetration() };
                for (first, met) in (block.first..block.end).step_by(WORD).zip(met) {
                    let met = met & within(first, demand.lookback, block.end);
                    if met != 0 {
                        (entry.scan)(block, &tuned, first, met, &mut values[first * COUNT + place..], COUNT);
                    }
                }
            }
        });
    }
    values[written * COUNT..bars.len() * COUNT].fill(0);
}

/// One pattern by TA-Lib's name with settings of one's own; values as TA-Lib's.
///
/// # Errors
/// No such pattern, a parameter out of bounds.
pub fn pattern(name: &str, bars: &Bars<'_>, params: &[f64], settings: &CandleSettings) -> Result<Vec<i16>, TaError> {
    let spec = find(name)?;
    let entry = entry_of(spec)?;
    let penetration = spec.bind(params, Seed::Talib)?.values().first().copied().unwrap_or(0.0);
    let demand = (entry.demand)(settings);
    let mut values = vec![0; bars.len()];
    for stretch in bars.stretches() {
        let values = &mut values[stretch.clone()];
        let mut traits = Traits::wanted(entry.needs);
        Block::over(bars.part(&stretch), settings, &[demand], |block, columns, watch| {
            let Some(columns) = columns.first() else { return };
            let tuned = Tuned { settings, columns, penetration };
            traits.find(block, watch, settings);
            for (word, first) in (block.first..block.end).step_by(WORD).enumerate() {
                let met = traits.meeting(entry.needs, word) & within(first, demand.lookback, block.end);
                (entry.scan)(block, &tuned, first, met, &mut values[first..], 1);
            }
        });
    }
    Ok(values)
}

fn entry_of(spec: &'static Spec) -> Result<&'static Entry, TaError> {
    let unknown = || TaError::UnknownName { name: spec.name.to_owned(), suggestion: "; it is no pattern".to_owned() };
    PATTERNS.iter().copied().find(|entry| entry.spec.name == spec.name).ok_or_else(unknown)
}

/// What a pattern's rule made of one bar.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The pattern.
    pub spec: &'static Spec,
    /// Bars it needs before this one.
    pub lookback: usize,
    /// Its value at the bar.
    pub value: i32,
    /// The value if every condition had held; `value` when all did.
    pub aim: i32,
    /// The rule's conditions in order; none when there are too few bars.
    pub conditions: Vec<Condition>,
}

/// Why patterns fired or did not at `bar`: those named, or with `None` those that fired.
///
/// # Errors
/// A name of no pattern, a bar outside the series.
pub fn explain(
    bars: &Bars<'_>,
    settings: &CandleSettings,
    bar: usize,
    names: Option<&[&str]>,
) -> Result<Vec<Explanation>, TaError> {
    if bar >= bars.len() {
        let value = crate::ta::kit::float(bar);
        let bounds = format!("0..{}", bars.len());
        return Err(TaError::OutOfBounds { name: "patterns", param: "bar", value, bounds });
    }
    let wanted = names.map(|names| names.iter().map(|name| Ok(find(name)?.name)).collect::<Result<Vec<_>, TaError>>());
    let wanted = wanted.transpose()?;
    for name in wanted.iter().flatten() {
        entry_of(find(name)?)?;
    }
    let demands: Vec<Demand> = PATTERNS.iter().map(|entry| (entry.demand)(settings)).collect();
    let (mut watch, columns) = Watch::new(settings, &demands);
    if let Some(stretch) = bars.stretches().find(|stretch| stretch.contains(&bar)) {
        (stretch.start..=bar).for_each(|bar| watch.push(Candle::new(bars.bar(bar))));
    }
    let mut explanations = Vec::new();
    for ((entry, demand), columns) in PATTERNS.iter().zip(&demands).zip(&columns) {
        if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&entry.spec.name)) {
            continue;
        }
        let (mut conditions, mut aim) = (Vec::new(), 0);
        if watch.count() > demand.lookback {
            let (watch, penetration) = (&watch, entry.default_penetration());
            aim = (entry.explain)(&mut See { watch, settings, columns, penetration, eye: &mut conditions });
        }
        let value = if conditions.iter().all(|condition| condition.held) { aim } else { 0 };
        if wanted.is_some() || value != 0 {
            explanations.push(Explanation { spec: entry.spec, lookback: demand.lookback, value, aim, conditions });
        }
    }
    Ok(explanations)
}
