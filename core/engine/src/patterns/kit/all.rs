//! All patterns in one pass, and what a rule made of one bar. O(1) a bar, whatever the averages' periods.

use super::candle::Candle;
use super::pattern::Entry;
use super::see::{Blind, Condition, See};
use super::settings::CandleSettings;
use super::traits::{BITS, traits};
use super::watch::{Columns, Demand, Watch};
use crate::patterns::PATTERNS;
use crate::ta::{Seed, Spec, TaError, find};

/// How many patterns there are; a bit each in a `u64`.
pub const COUNT: usize = PATTERNS.len();
const _: () = assert!(COUNT <= 64, "the set of candidates is a u64");

/// Candles whose traits are looked at before a rule runs.
const LAGS: usize = 5;
/// Trait bits are looked up a byte at a time.
const BYTES: usize = BITS.div_ceil(8);

/// Which patterns a byte of traits rules out, for every byte of every lag.
struct Outruled(Vec<[u64; 256]>);

impl Outruled {
    fn new() -> Self {
        let mut needers = [[0_u64; 8 * BYTES]; LAGS];
        for (place, entry) in PATTERNS.iter().enumerate() {
            for &(ago, which) in entry.needs {
                let needer = needers.get_mut(ago).and_then(|lag| lag.get_mut(which as usize));
                needer.into_iter().for_each(|needer| *needer |= 1 << place);
            }
        }
        let without = |bits: &[u64], byte: usize| {
            let absent = bits.iter().enumerate().filter(|(bit, _)| byte >> bit & 1 == 0);
            absent.fold(0, |outruled, (_, needers)| outruled | needers)
        };
        let tables = needers.iter().flat_map(|lag| lag.chunks(8));
        Self(tables.map(|bits| std::array::from_fn(|byte| without(bits, byte))).collect())
    }

    /// Patterns that cannot be, from the traits of the last candles, newest first.
    #[inline]
    fn by(&self, recent: &[u32; LAGS]) -> u64 {
        let mut outruled = 0;
        for (tables, traits) in self.0.chunks_exact(BYTES).zip(recent) {
            for (table, byte) in tables.iter().zip(traits.to_le_bytes()) {
                outruled |= table.get(usize::from(byte)).copied().unwrap_or(0);
            }
        }
        outruled
    }
}

/// Every pattern over one series, bar by bar.
struct All<'a> {
    watch: Watch,
    /// The watch before its first candle.
    fresh: Watch,
    settings: &'a CandleSettings,
    /// Each pattern's columns, look-back and parameter.
    parts: Vec<(&'static Entry, Columns, usize, f64)>,
    /// The longest look-back.
    warm: usize,
    recent: [u32; LAGS],
}

impl<'a> All<'a> {
    fn new(settings: &'a CandleSettings) -> Self {
        let demands: Vec<Demand> = PATTERNS.iter().map(|entry| (entry.demand)(settings)).collect();
        let (watch, columns) = Watch::new(settings, &demands);
        let warm = demands.iter().map(|demand| demand.lookback).max().unwrap_or(0);
        let parts = PATTERNS.iter().zip(columns).zip(&demands);
        let parts =
            parts.map(|((entry, columns), demand)| (*entry, columns, demand.lookback, entry.default_penetration()));
        Self { fresh: watch.clone(), watch, settings, parts: parts.collect(), warm, recent: [0; LAGS] }
    }

    /// Forget everything: a bar that is no bar.
    fn reset(&mut self) {
        if self.watch.count() > 0 {
            self.watch.clone_from(&self.fresh);
            self.recent = [0; LAGS];
        }
    }

    /// Patterns whose look-back is full, as bits.
    fn ready(&self) -> u64 {
        let ready = self.parts.iter().enumerate().filter(|(_, part)| self.watch.count() > part.2);
        ready.fold(0, |ready, (place, _)| ready | 1 << place)
    }

    /// Take a candle in; write the values that are not 0.
    #[inline]
    fn next(&mut self, candle: Candle, outruled: &Outruled, row: &mut [i16]) {
        self.watch.push(candle);
        let newest = traits(&self.watch, self.settings, &self.recent);
        self.recent.copy_within(0..LAGS - 1, 1);
        self.recent[0] = newest;
        let ready = if self.watch.count() > self.warm { u64::MAX >> (64 - COUNT) } else { self.ready() };
        let mut candidates = ready & !outruled.by(&self.recent);
        while candidates != 0 {
            let place = candidates.trailing_zeros() as usize;
            candidates &= candidates - 1;
            let (Some((entry, columns, _, penetration)), Some(slot)) = (self.parts.get(place), row.get_mut(place))
            else {
                return;
            };
            let Self { watch, settings, .. } = &*self;
            let value = (entry.rule)(&mut See { watch, settings, columns, penetration: *penetration, eye: &mut Blind });
            // Values are within -200..=200.
            *slot = i16::try_from(value).unwrap_or(0);
        }
    }
}

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

    /// The candles in order; `None` for a bar with a NaN or an infinity.
    fn candles(&self) -> impl Iterator<Item = Option<Candle>> + 'a {
        let [open, high, low, close] = self.series;
        open.iter().zip(high).zip(low).zip(close).map(|(((open, high), low), close)| {
            let bar = [*open, *high, *low, *close];
            bar.iter().all(|price| price.is_finite()).then(|| Candle::new(bar))
        })
    }
}

/// Every pattern at every bar: [`COUNT`] values a bar, bar by bar, in the order of [`PATTERNS`], as TA-Lib's.
///
/// A bar with a NaN or an infinity is no pattern, and none reaches back over it.
#[must_use]
pub fn patterns(bars: &Bars<'_>, settings: &CandleSettings) -> Vec<i16> {
    let mut values = vec![0; bars.len() * COUNT];
    let outruled = Outruled::new();
    let mut all = All::new(settings);
    for (row, candle) in values.chunks_exact_mut(COUNT).zip(bars.candles()) {
        match candle {
            Some(candle) => all.next(candle, &outruled, row),
            None => all.reset(),
        }
    }
    values
}

/// One pattern by TA-Lib's name with settings of one's own; values as TA-Lib's.
///
/// # Errors
/// No such pattern, a parameter out of bounds, `values` of another length.
pub fn pattern(
    name: &str,
    bars: &Bars<'_>,
    params: &[f64],
    settings: &CandleSettings,
    values: &mut [i32],
) -> Result<(), TaError> {
    let spec = find(name)?;
    let entry = entry_of(spec)?;
    let penetration = spec.bind(params, Seed::Talib)?.values().first().copied().unwrap_or(0.0);
    if values.len() != bars.len() {
        return Err(TaError::OutputShape { name: spec.name, expected: 1, length: bars.len() });
    }
    let demand = (entry.demand)(settings);
    let (fresh, columns) = Watch::new(settings, &[demand]);
    let columns = &columns.into_iter().next().unwrap_or_default();
    let mut watch = fresh.clone();
    for (value, candle) in values.iter_mut().zip(bars.candles()) {
        *value = 0;
        match candle {
            Some(candle) => watch.push(candle),
            None => watch.clone_from(&fresh),
        }
        if watch.count() > demand.lookback {
            *value = (entry.rule)(&mut See { watch: &watch, settings, columns, penetration, eye: &mut Blind });
        }
    }
    Ok(())
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
    let mut all = All::new(settings);
    for candle in bars.candles().take(bar + 1) {
        match candle {
            Some(candle) => all.watch.push(candle),
            None => all.reset(),
        }
    }
    let mut explanations = Vec::new();
    for (entry, columns, lookback, penetration) in &all.parts {
        if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&entry.spec.name)) {
            continue;
        }
        let (mut conditions, watch, penetration) = (Vec::new(), &all.watch, *penetration);
        let mut aim = 0;
        if watch.count() > *lookback {
            aim = (entry.explain)(&mut See { watch, settings, columns, penetration, eye: &mut conditions });
        }
        let value = if conditions.iter().all(|condition| condition.held) { aim } else { 0 };
        if wanted.is_some() || value != 0 {
            explanations.push(Explanation { spec: entry.spec, lookback: *lookback, value, aim, conditions });
        }
    }
    Ok(explanations)
}
