//! Settings of a stream from a dictionary of Python. Bounds are the processor's own; times are nanoseconds.

use deepalpha_engine::stream::Timeframe;
use deepalpha_engine::stream::depth_sync::Limits;
use deepalpha_engine::stream::output::{OutputConfig, Overflow};
use deepalpha_engine::stream::parse::{Symbols, Venue};
use deepalpha_engine::stream::processor::{
    BarKind, BarPlan, BookPlan, EmptyBars, ProcessorConfig, SpikeRule, SymbolTerms,
};
use deepalpha_engine::ta::Wanted;
use deepalpha_engine::types::{Money, Price, Quantity};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::error::{Kind, raise};
use crate::feed_options::Options;
use crate::stream_columns::Numbers;
use crate::ta_stream_set::wanted;

/// Everything a pipeline is made of.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) venue: Venue,
    pub(crate) symbols: Symbols,
    pub(crate) terms: Vec<SymbolTerms>,
    pub(crate) config: ProcessorConfig,
    /// Names of the bars, as they were asked for.
    pub(crate) bars: Vec<String>,
    pub(crate) kinds: Kinds,
    pub(crate) numbers: Numbers,
}

/// Tables of a stream, in the order they are polled.
pub(crate) const KINDS: [&str; 6] = ["trades", "quotes", "bars", "indicators", "venue_bars", "events"];

/// Which tables are wanted, in the order of [`KINDS`].
pub(crate) type Kinds = [bool; 6];

pub(crate) fn refuse(error: impl std::fmt::Display) -> PyErr {
    raise(Kind::MarketData, error)
}

/// The number of a table.
pub(crate) fn kind_of(name: &str) -> PyResult<usize> {
    KINDS
        .iter()
        .position(|kind| *kind == name)
        .ok_or_else(|| refuse(format!("{name:?} is no kind of batch; there are {}", KINDS.join(", "))))
}

/// Read all settings.
pub(crate) fn settings(given: &Bound<'_, PyDict>) -> PyResult<Settings> {
    let mut options = Options::of(given, (Kind::MarketData, "stream setting"))?;
    let venue: String = options.take("venue")?.unwrap_or_else(|| Venue::BinanceSpot.name().to_owned());
    let venue = Venue::from_name(&venue).ok_or_else(|| {
        let known = Venue::ALL.map(Venue::name).join(", ");
        refuse(format!("venue {venue:?} is unknown; there are {known}"))
    })?;
    let (symbols, terms) = symbols(&mut options)?;
    let mut config = ProcessorConfig { trade_ids: venue.trade_ids(), ..ProcessorConfig::default() };
    let bars = bars(&mut options, &mut config)?;
    let kinds = kinds(&mut options)?;
    config.output = output(&mut options, kinds)?;
    rules(&mut options, &mut config)?;
    config.books = books(&mut options, &symbols, venue)?;
    let numbers = options.take::<String>("numbers")?.map_or(Ok(Numbers::Float), |name| Numbers::parse(&name))?;
    options.end()?;
    Ok(Settings { venue, symbols, terms, config, bars, kinds, numbers })
}

fn symbols(options: &mut Options<'_>) -> PyResult<(Symbols, Vec<SymbolTerms>)> {
    let names: Vec<String> = options.take("symbols")?.unwrap_or_default();
    let steps: Option<Bound<'_, PyDict>> = options.take("tick_sizes")?;
    let mut symbols = Symbols::new();
    let mut terms = Vec::with_capacity(names.len());
    for name in names {
        symbols.add(&name).map_err(refuse)?;
        let step = steps.as_ref().map(|steps| steps.get_item(&name)).transpose()?.flatten();
        let tick_size = step
            .map(|step| {
                Price::parse(step.str()?.to_str()?).map_err(|error| refuse(format!("tick size of {name}: {error}")))
            })
            .transpose()?;
        terms.push(SymbolTerms { name, tick_size });
    }
    Ok((symbols, terms))
}

/// `{"BTCUSDT": (tick_size, lot_size)}`, each as text or a decimal.
fn books(options: &mut Options<'_>, symbols: &Symbols, venue: Venue) -> PyResult<Vec<BookPlan>> {
    let Some(asked): Option<Bound<'_, PyDict>> = options.take("books")? else { return Ok(Vec::new()) };
    let plan = |(name, steps): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let name: String = name.extract()?;
        let Some(symbol) = symbols.find(name.as_bytes()) else {
            return Err(refuse(format!("books: {name} is none of the symbols; add it to them")));
        };
        let (tick, lot): (Bound<'_, PyAny>, Bound<'_, PyAny>) = steps.extract()?;
        let wrong = |error: &dyn std::fmt::Display| refuse(format!("books: steps of {name}: {error}"));
        Ok(BookPlan {
            symbol,
            tick_size: Price::parse(tick.str()?.to_str()?).map_err(|error| wrong(&error))?,
            lot_size: Quantity::parse(lot.str()?.to_str()?).map_err(|error| wrong(&error))?,
            chain: venue.book_chain(),
            limits: Limits::default(),
        })
    };
    asked.iter().map(plan).collect()
}

/// `["1m", "ticks:100"]` with indicators for all, or `{"1m": ["RSI_14"], "volume:2.5": []}`.
fn bars(options: &mut Options<'_>, config: &mut ProcessorConfig) -> PyResult<Vec<String>> {
    let asked: Option<Bound<'_, PyAny>> = options.take("bars")?;
    let shared: Option<Bound<'_, PyAny>> = options.take("indicators")?;
    let mut names = Vec::new();
    let Some(asked) = asked else { return Ok(names) };
    let mut add = |name: String, indicators: Option<&Bound<'_, PyAny>>| -> PyResult<()> {
        let indicators = indicators.map_or_else(|| Ok(Vec::new()), read_indicators)?;
        config.bars.push(BarPlan { kind: bar_kind(&name)?, indicators });
        names.push(name);
        Ok(())
    };
    if let Ok(plans) = asked.cast::<PyDict>() {
        if shared.is_some() {
            return Err(refuse("indicators stand in bars already, as bars is a mapping; leave indicators out"));
        }
        for (name, indicators) in plans.iter() {
            add(name.extract()?, Some(&indicators))?;
        }
    } else {
        for name in asked.extract::<Vec<String>>()? {
            add(name, shared.as_ref())?;
        }
    }
    Ok(names)
}

fn read_indicators(specs: &Bound<'_, PyAny>) -> PyResult<Vec<Wanted>> {
    if specs.cast::<PyList>().is_ok_and(|list| list.is_empty()) {
        return Ok(Vec::new());
    }
    let module = specs.py().import("deepalpha.ta.specs")?;
    wanted(module.call_method1("parse", (specs,))?.extract()?)
}

fn bar_kind(name: &str) -> PyResult<BarKind> {
    let wrong = |error: &dyn std::fmt::Display| refuse(format!("bars {name:?}: {error}"));
    match name.split_once(':') {
        None => Timeframe::parse(name)
            .map(BarKind::Time)
            .map_err(|error| refuse(format!("{error}; or ticks:100, volume:2.5, notional:1000000"))),
        Some(("ticks", count)) => count.parse().map(BarKind::Ticks).map_err(|error| wrong(&error)),
        Some(("volume", size)) => Quantity::parse(size).map(BarKind::Volume).map_err(|error| wrong(&error)),
        Some(("notional", size)) => Money::parse(size).map(BarKind::Notional).map_err(|error| wrong(&error)),
        Some((other, _)) => Err(wrong(&format!("{other} is no kind of bar; take ticks, volume or notional"))),
    }
}

fn kinds(options: &mut Options<'_>) -> PyResult<Kinds> {
    let Some(names) = options.take::<Vec<String>>("kinds")? else { return Ok([true; 6]) };
    let mut kinds = [false; 6];
    for name in names {
        let kind = kind_of(&name)?;
        kinds.iter_mut().skip(kind).take(1).for_each(|wanted| *wanted = true);
    }
    Ok(kinds)
}

fn output(options: &mut Options<'_>, [trades, quotes, ..]: Kinds) -> PyResult<OutputConfig> {
    let mut output = OutputConfig { trades, quotes, ..OutputConfig::default() };
    options.set("capacity", &mut output.capacity)?;
    if let Some(policy) = options.take::<String>("overflow")? {
        output.overflow = match policy.as_str() {
            "block" => Overflow::Block,
            "drop_oldest" => Overflow::DropOldest,
            "refuse" => Overflow::Refuse,
            other => return Err(refuse(format!("overflow={other:?} is unknown; take block, drop_oldest or refuse"))),
        };
    }
    Ok(output)
}

fn rules(options: &mut Options<'_>, config: &mut ProcessorConfig) -> PyResult<()> {
    if let Some(policy) = options.take::<String>("empty_bars")? {
        config.empty_bars = match policy.as_str() {
            "none" => EmptyBars::None,
            "carry" => EmptyBars::Carry,
            other => return Err(refuse(format!("empty_bars={other:?} is unknown; take none or carry"))),
        };
    }
    options.set("most_carried", &mut config.most_carried)?;
    options.set("lateness_ns", &mut config.lateness)?;
    options.set("reorder_capacity", &mut config.reorder_capacity)?;
    options.set("revision_window_ns", &mut config.revision_window)?;
    options.set("revision_bars", &mut config.revision_bars)?;
    options.set("idle_grace_ns", &mut config.idle_grace)?;
    options.set("most_future_ns", &mut config.most_future)?;
    options.set("skew_alarm_ns", &mut config.skew_alarm)?;
    options.set("dedupe_window", &mut config.dedupe_window)?;
    options.set("gap_capacity", &mut config.gap_capacity)?;
    options.set("quarantine_capacity", &mut config.quarantine_capacity)?;
    options.set("most_crossed", &mut config.most_crossed)?;
    options.set("stale_factor", &mut config.stale_factor)?;
    options.set("stale_floor_ns", &mut config.stale_floor)?;
    if options.take::<bool>("spike_filter")? == Some(false) {
        config.spike = None;
    }
    let mut rule = config.spike.unwrap_or_default();
    options.set("spike_window", &mut rule.window)?;
    options.set("spike_factor", &mut rule.factor)?;
    options.set("spike_floor_ppm", &mut rule.floor_ppm)?;
    options.set("spike_confirm", &mut rule.confirm)?;
    config.spike = config.spike.map(|_: SpikeRule| rule);
    Ok(())
}
