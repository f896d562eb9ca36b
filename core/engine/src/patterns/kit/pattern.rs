//! A pattern: what its file declares, alone over a series, and its entry in the table of all.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::candle::Candle;
use super::pass::{BlockMarks, Pass, Scan, scan, write};
use super::see::{Blind, Condition, See};
use super::settings::{CandleSettings, Setting};
use super::sight::Sight;
use super::watch::{Columns, Demand, Reads, Watch};
use crate::ta::kit::{State, streaming};
use crate::ta::{Input, Kind, Memory, Output, Param, Params, Spec, TaError};

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

    /// 0, or how the pattern shows: at the newest candle, or at many bars. To a curious eye that sees all conditions, the
    /// value there would be if they all held.
    fn rule<S: Sight>(see: &mut S) -> S::Value;
}

/// The averages of `setting` at the candles `nearest..=farthest` bars ago.
pub(crate) const fn reads(setting: Setting, nearest: usize, farthest: usize) -> Reads {
    Reads { setting, nearest, farthest }
}

/// How deep a candle closes into another one's body, for patterns that ask for it.
pub(crate) const fn penetration(default: f64) -> Param {
    Param::real("penetration", default, 0.0, "share of the first body that is closed into")
}

/// The one output of a pattern; `meaning` is how to read its values.
pub(crate) const fn shows<P: Pattern>(meaning: &'static str) -> Output {
    Output { name: "integer", kind: Kind::Int32, meaning, whole: Some(whole::<P>) }
}

/// A pattern's SPEC; `formula` is the rule in words.
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
        self_checking: true,
        doc,
        formula,
        source: "TA-Lib 0.8.2",
        inputs: CANDLE_INPUTS,
        params,
        outputs,
        lookback: |_| Ok(demand::<P>(&CandleSettings::TALIB).lookback),
        memory: Memory::Window,
        seeded: false,
        kernel: float::<P>,
        stream: Some(streaming::<Alone<P>, 4, 1>),
    }
}

fn demand<P: Pattern>(settings: &CandleSettings) -> Demand {
    let longest = P::READS.iter().map(|reads| settings.gauge(reads.setting).period).max().unwrap_or(0);
    Demand { reads: P::READS, longest, lookback: longest.max(P::LEAST) + P::EXTRA, early: P::EARLY }
}

/// A pattern in the table of all.
pub struct Entry {
    /// What the registry knows of it.
    pub spec: &'static Spec,
    pub(crate) demand: fn(&CandleSettings) -> Demand,
    pub(crate) scan: Scan,
    pub(crate) explain: fn(&mut See<'_, Vec<Condition>>) -> i32,
}

impl Entry {
    pub(crate) const fn new<P: Pattern>(spec: &'static Spec) -> Self {
        Self { spec, demand: demand::<P>, scan: scan::<P>, explain: |see| P::rule(see) }
    }

    /// Its parameter's default; 0 where it has none.
    pub(crate) fn default_penetration(&self) -> f64 {
        self.spec.params.first().map_or(0.0, |param| param.default)
    }
}

/// One pattern alone over a series, into `values` from the look-back on.
pub(crate) fn alone(
    scan: Scan,
    series: [&[f64]; 4],
    settings: &CandleSettings,
    demand: Demand,
    penetration: f64,
    values: &mut [i32],
) -> Result<(), TaError> {
    let mut marks = BlockMarks::default();
    Pass::over(series, settings, &[demand], |pass| {
        scan(pass, 0, penetration, &mut marks);
        write(&marks, &pass.bars(), demand.lookback, values);
    })
}

/// The kernel of a pattern's SPEC.
fn whole<P: Pattern>(inputs: &[&[f64]], params: &Params, values: &mut [i32]) -> Result<(), TaError> {
    let series = <[&[f64]; 4]>::try_from(inputs).map_err(|_| TaError::Wiring { what: "series" })?;
    let settings = &CandleSettings::TALIB;
    let penetration = params.values().first().copied().unwrap_or(0.0);
    alone(scan::<P>, series, settings, demand::<P>(settings), penetration, values)
}

/// The kernel for those who ask for floats.
fn float<P: Pattern>(inputs: &[&[f64]], params: &Params, outputs: &mut [&mut [f64]]) -> Result<(), TaError> {
    let [output] = outputs else { return Err(TaError::Wiring { what: "outputs" }) };
    let mut values = vec![0; output.len()];
    whole::<P>(inputs, params, &mut values)?;
    output.iter_mut().zip(values).for_each(|(slot, value)| *slot = f64::from(value));
    Ok(())
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
