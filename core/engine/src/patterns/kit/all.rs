//! All patterns in one pass, and what a rule made of one bar. O(1) a bar, whatever the averages' periods.
#![expect(clippy::indexing_slicing, reason = "stretches lie in the series, rows are COUNT values long")]

use std::ops::Range;

use super::candle::Candle;
use super::pass::{BlockMarks, Pass};
use super::pattern::{Entry, alone};
use super::see::{Condition, See};
use super::settings::CandleSettings;
use super::tile::WORD;
use super::watch::{BLOCK, Demand, Watch};
use crate::patterns::PATTERNS;
use crate::ta::kit::simd::{Job, LANES, Wide, dispatch};
use crate::ta::{Seed, Spec, TaError, find};

/// How many patterns there are; a bit each in a `u64`.
pub const COUNT: usize = PATTERNS.len();

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
    let values = &mut values[..bars.len() * COUNT];
    if stretch_into(bars, 0..bars.len(), settings, &demands, values).is_ok() {
        return;
    }
    let mut written = 0;
    for stretch in bars.stretches() {
        values[written * COUNT..stretch.start * COUNT].fill(0);
        written = stretch.end;
        // A stretch has no gap.
        let _ = stretch_into(bars, stretch, settings, &demands, values);
    }
    values[written * COUNT..].fill(0);
}

fn stretch_into(
    bars: &Bars<'_>,
    stretch: Range<usize>,
    settings: &CandleSettings,
    demands: &[Demand],
    values: &mut [i16],
) -> Result<(), TaError> {
    let values = &mut values[stretch.start * COUNT..stretch.end * COUNT];
    let mut marks = BlockMarks::default();
    let first = values.len().min(BLOCK * COUNT);
    values[..first].fill(0);
    Pass::over(bars.part(&stretch), settings, demands, |pass| {
        let block = pass.bars();
        let (rows, ahead) = values.split_at_mut(block.end * COUNT);
        let rows = &mut rows[block.start * COUNT..];
        let mut ahead = ahead.chunks_mut(BLOCK);
        for (place, entry) in PATTERNS.iter().enumerate() {
            (entry.scan)(pass, place, entry.default_penetration(), &mut marks);
            // The next block's rows, a part with each pattern: the memory takes it in while rules are at work.
            ahead.next().into_iter().for_each(|part| part.fill(0));
            for (word, marks) in marks.iter().enumerate() {
                let mut hits = marks.hit.surely;
                while hits != 0 {
                    let lane = hits.trailing_zeros() as usize;
                    hits &= hits - 1;
                    rows[(word * WORD + lane) * COUNT + place] = marks.value(lane);
                }
            }
        }
    })
}

/// One pattern by TA-Lib's name with settings of one's own; values as TA-Lib's.
///
/// # Errors
/// No such pattern, a parameter out of bounds.
pub fn pattern(name: &str, bars: &Bars<'_>, params: &[f64], settings: &CandleSettings) -> Result<Vec<i32>, TaError> {
    let spec = find(name)?;
    let entry = entry_of(spec)?;
    let penetration = spec.bind(params, Seed::Talib)?.values().first().copied().unwrap_or(0.0);
    let demand = (entry.demand)(settings);
    let mut values = vec![0; bars.len()];
    for stretch in bars.stretches() {
        let Some(slots) = values.get_mut(stretch.start + demand.lookback..stretch.end) else { continue };
        alone(entry.scan, bars.part(&stretch), settings, demand, penetration, slots)?;
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
