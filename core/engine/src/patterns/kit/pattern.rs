//! A pattern: what its file declares, alone over a series, and its entry in the table of all.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::candle::Candle;
use super::see::{Blind, Condition, Eye, See};
use super::settings::{CandleSettings, Setting};
use super::traits::{Need, Traits, WORD};
use super::watch::{BLOCK, Block, Columns, Demand, Reads, Watch};
use crate::ta::kit::{State, streaming};
use crate::ta::{Input, Memory, Output, Param, Params, Spec, TaError};

/// Inputs of every pattern, in TA-Lib's order.
pub const CANDLE_INPUTS: &[Input] = &[Input::Open, Input::High, Input::Low, Input::Close];

/// What a pattern's file declares beside its SPEC.
pub(crate) trait Pattern: Clone + Send + Sync + 'static {
    /// The averages its rule reads.
    const READS: &'static [Reads];
    /// Look-back beyond the longest of them, TA-Lib's.
    const EXTRA: usize;
    /// Length the longest of them counts for at least.
    const LEAST: usize = 0;
    /// Bars before the first value at which TA-Lib already runs the rule.
    const EARLY: usize = 0;
    /// Traits without which the rule cannot fire: what the pass over all patterns looks at first. Hints, not rules.
    const NEEDS: &'static [Need];

    /// The value at the newest candle: 0, or how the pattern shows. To a curious eye that sees all conditions, the
    /// value there would be if they all held.
    fn rule<E: Eye>(see: &mut See<'_, E>) -> i32;
}

/// The averages of `setting` at the candles `nearest..=farthest` bars ago.
pub(crate) const fn reads(setting: Setting, nearest: usize, farthest: usize) -> Reads {
    Reads { setting, nearest, farthest }
}

/// How deep a candle closes into another one's body, for patterns that ask for it.
pub(crate) const fn penetration(default: f64) -> Param {
    Param::real("penetration", default, 0.0, "share of the first body that is closed into")
}

/// A pattern's SPEC; `formula` is the rule in words, `meaning` how to read the values.
pub(crate) const fn spec<P: Pattern>(
    name: &'static str,
    doc: &'static str,
    formula: &'static str,
    params: &'static [Param],
    outputs: &'static [Output],
) -> Spec {
    Spec {
        name,
        group: "Pattern Recognition",
        self_checking: false,
        doc,
        formula,
        source: "TA-Lib 0.8.2",
        inputs: CANDLE_INPUTS,
        params,
        outputs,
        lookback: |_| Ok(demand::<P>(&CandleSettings::TALIB).lookback),
        memory: Memory::Window,
        seeded: false,
        kernel: alone::<P>,
        stream: Some(streaming::<Alone<P>, 4, 1>),
    }
}

fn demand<P: Pattern>(settings: &CandleSettings) -> Demand {
    let longest = P::READS.iter().map(|reads| settings.gauge(reads.setting).period).max().unwrap_or(0);
    Demand { reads: P::READS, lookback: longest.max(P::LEAST) + P::EXTRA, early: P::EARLY }
}

/// A pattern in the table of all.
pub struct Entry {
    /// What the registry knows of it.
    pub spec: &'static Spec,
    pub(crate) needs: &'static [Need],
    pub(crate) demand: fn(&CandleSettings) -> Demand,
    pub(crate) scan: Scan,
    pub(crate) explain: fn(&mut See<'_, Vec<Condition>>) -> i32,
}

impl Entry {
    pub(crate) const fn new<P: Pattern>(spec: &'static Spec) -> Self {
        Self { spec, needs: P::NEEDS, demand: demand::<P>, scan: scan::<P>, explain: P::rule::<Vec<Condition>> }
    }

    /// Its parameter's default; 0 where it has none.
    pub(crate) fn default_penetration(&self) -> f64 {
        self.spec.params.first().map_or(0.0, |param| param.default)
    }
}

/// A pattern's settings, columns and parameter in one series.
pub(crate) struct Tuned<'a> {
    pub(crate) settings: &'a CandleSettings,
    pub(crate) columns: &'a Columns,
    pub(crate) penetration: f64,
}

impl Tuned<'_> {
    #[inline(always)]
    fn value<P: Pattern>(&self, block: &Block<'_>, bar: usize) -> i32 {
        let &Self { settings, columns, penetration } = self;
        P::rule(&mut See { watch: &block.window(bar), settings, columns, penetration, eye: &mut Blind::new() })
    }
}

/// Runs a rule at the bars of a word of a block: `values` gets those that are not 0, at every `stride`.
pub(crate) type Scan = fn(&Block<'_>, &Tuned<'_>, first: usize, bars: u64, values: &mut [i16], stride: usize);

fn scan<P: Pattern>(
    block: &Block<'_>,
    tuned: &Tuned<'_>,
    first: usize,
    mut bars: u64,
    values: &mut [i16],
    stride: usize,
) {
    while bars != 0 {
        let at = bars.trailing_zeros() as usize;
        bars &= bars - 1;
        let value = tuned.value::<P>(block, first + at);
        if let Some(slot) = values.get_mut(at * stride) {
            // Values are within -200..=200.
            *slot = i16::try_from(value).unwrap_or(0);
        }
    }
}

/// The kernel of a pattern's SPEC.
fn alone<P: Pattern>(inputs: &[&[f64]], params: &Params, outputs: &mut [&mut [f64]]) -> Result<(), TaError> {
    let (Ok(series), [output]) = (<[&[f64]; 4]>::try_from(inputs), outputs) else {
        return Err(TaError::Wiring { what: "series" });
    };
    let settings = &CandleSettings::TALIB;
    let demand = demand::<P>(settings);
    let penetration = params.values().first().copied().unwrap_or(0.0);
    let mut traits = Traits::wanted(P::NEEDS);
    Block::over(series, settings, &[demand], |block, columns, watch| {
        let Some(columns) = columns.first() else { return };
        let tuned = Tuned { settings, columns, penetration };
        let mut values = [0; BLOCK];
        traits.find(block, watch, settings);
        for (word, first) in (block.first..block.end).step_by(WORD).enumerate() {
            let bars = traits.meeting(P::NEEDS, word) & within(first, demand.lookback, block.end);
            if let Some(values) = values.get_mut(word * WORD..) {
                scan::<P>(block, &tuned, first, bars, values, 1);
            }
        }
        // The output begins behind the look-back.
        let from = block.first.max(demand.lookback);
        let slots = output.iter_mut().skip(from - demand.lookback);
        slots.zip(values.iter().take(block.end - block.first).skip(from - block.first)).for_each(|(slot, value)| {
            *slot = f64::from(*value);
        });
    });
    Ok(())
}

/// Bars of the word that begins with `first` that are neither before `lookback` nor behind the `end`.
pub(crate) fn within(first: usize, lookback: usize, end: usize) -> u64 {
    let from = lookback.saturating_sub(first);
    let to = (end - first).min(WORD);
    if from >= to { 0 } else { u64::MAX >> (WORD - to) & u64::MAX << from }
}

/// One pattern bar by bar.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Alone<P> {
    watch: Watch,
    columns: Columns,
    settings: CandleSettings,
    lookback: usize,
    penetration: f64,
    pattern: PhantomData<P>,
}

impl<P: Pattern> State<4, 1> for Alone<P> {
    fn new(params: &Params) -> Result<Self, TaError> {
        let settings = CandleSettings::TALIB;
        let demand = demand::<P>(&settings);
        let (watch, columns) = Watch::new(&settings, &[demand]);
        let columns = columns.into_iter().next().unwrap_or_default();
        let penetration = params.values().first().copied().unwrap_or(0.0);
        Ok(Self { watch, columns, settings, lookback: demand.lookback, penetration, pattern: PhantomData })
    }

    #[inline]
    fn next(&mut self, bar: [f64; 4]) -> Option<[f64; 1]> {
        self.watch.push(Candle::new(bar));
        if self.watch.count() <= self.lookback {
            return None;
        }
        let Self { watch, columns, settings, penetration, .. } = self;
        let value = P::rule(&mut See { watch, settings, columns, penetration: *penetration, eye: &mut Blind::new() });
        Some([f64::from(value)])
    }
}
