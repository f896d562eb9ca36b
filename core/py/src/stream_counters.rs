//! The counters of a stream as dictionaries.

use deepalpha_engine::stream::event::SymbolId;
use deepalpha_engine::stream::output::Tally;
use deepalpha_engine::stream::parse::Parser;
use deepalpha_engine::stream::processor::{Counters, Counts, SymbolTerms};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::stream_pipeline::Pipeline;

fn counts<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, count) in [
        ("received", counts.received),
        ("ok", counts.ok),
        ("duplicate", counts.duplicate),
        ("late", counts.late),
        ("bad", counts.bad),
        ("quarantined", counts.quarantined),
        ("waiting", counts.waiting),
    ] {
        out.set_item(name, count)?;
    }
    Ok(out)
}

fn sum(total: &mut Counts, more: &Counts) {
    total.received += more.received;
    total.ok += more.ok;
    total.duplicate += more.duplicate;
    total.late += more.late;
    total.bad += more.bad;
    total.quarantined += more.quarantined;
    total.waiting += more.waiting;
}

fn rows<'py>(py: Python<'py>, tally: &Tally, dropped: u64) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("made", tally.made)?;
    out.set_item("dropped", tally.dropped + dropped)?;
    out.set_item("refused", tally.refused)?;
    Ok(out)
}

/// The counts at one moment, apart from the pipeline's lock: dictionaries are made with Python attached, and who holds
/// Python must not wait for the lock.
pub(crate) struct Report {
    unknown: Counts,
    service: u64,
    symbols: Vec<(String, Counters, Option<i64>)>,
    rows: Vec<(&'static str, Tally, u64)>,
    type_changes: u64,
    unit_changes: u64,
    last_error: Option<String>,
}

impl Report {
    pub(crate) fn of(pipeline: &Pipeline) -> Self {
        let processor = pipeline.processor();
        let of_symbol = |(number, terms): (SymbolId, &SymbolTerms)| {
            Some((terms.name.clone(), *processor.counters(number)?, processor.skew(number)))
        };
        let made = processor.output_counters();
        let tallies = [made.trades, made.quotes, made.bars, made.indicators, made.venue_bars, made.events];
        let notices = || pipeline.parsers().map(Parser::notices);
        Self {
            unknown: *processor.unknown(),
            service: processor.service(),
            symbols: (0..).map(SymbolId).zip(processor.symbols()).filter_map(of_symbol).collect(),
            rows: pipeline.dropped().zip(tallies).map(|((kind, dropped), tally)| (kind, tally, dropped)).collect(),
            type_changes: notices().map(|notices| u64::from(notices.type_changes)).sum(),
            unit_changes: notices().map(|notices| notices.unit_changes).sum(),
            last_error: pipeline.last_error().map(str::to_owned),
        }
    }

    /// Exact counts: of all messages (`received == ok + duplicate + late + bad + quarantined + waiting`), by symbol and
    /// kind, and of the rows of each table.
    pub(crate) fn into_dict(self, py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let mut total = self.unknown;
        let symbols = PyDict::new(py);
        for (name, of, skew) in &self.symbols {
            symbols.set_item(name, one_symbol(py, of, *skew, &mut total)?)?;
        }
        let out = counts(py, &total)?;
        out.set_item("service", self.service)?;
        out.set_item("unknown", counts(py, &self.unknown)?)?;
        out.set_item("symbols", symbols)?;
        let tables = PyDict::new(py);
        for (kind, tally, dropped) in &self.rows {
            tables.set_item(kind, rows(py, tally, *dropped)?)?;
        }
        out.set_item("rows", tables)?;
        out.set_item("type_changes", self.type_changes)?;
        out.set_item("unit_changes", self.unit_changes)?;
        out.set_item("last_error", self.last_error)?;
        Ok(out)
    }
}

fn one_symbol<'py>(
    py: Python<'py>,
    of: &Counters,
    skew: Option<i64>,
    total: &mut Counts,
) -> PyResult<Bound<'py, PyDict>> {
    let one = PyDict::new(py);
    for (name, kind) in [
        ("trades", &of.trades),
        ("quotes", &of.quotes),
        ("depth", &of.depth),
        ("venue_bars", &of.venue_bars),
        ("unreadable", &of.unreadable),
    ] {
        sum(total, kind);
        one.set_item(name, counts(py, kind)?)?;
    }
    for (name, count) in [
        ("gaps", of.gaps),
        ("missing", of.missing),
        ("filled", of.filled),
        ("behind", of.behind),
        ("crossed", of.crossed),
        ("id_resets", of.id_resets),
        ("released", of.released),
        ("discarded", of.discarded),
        ("hurried", of.hurried),
    ] {
        one.set_item(name, count)?;
    }
    one.set_item("skew_ns", skew)?;
    Ok(one)
}
