//! The book of a symbol for Python: amounts as integers of 1e-8, made apart from the pipeline's lock.

use deepalpha_engine::stream::depth_sync::{DepthSync, SyncCounts, SyncState};
use deepalpha_engine::types::Side;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::stream_options::refuse;
use crate::stream_pipeline::Pipeline;

type Levels = Vec<(i64, i64)>;

/// A book at one moment.
pub(crate) struct BookReport {
    state: SyncState,
    last_update: u64,
    bids: Levels,
    asks: Levels,
    counts: SyncCounts,
}

impl BookReport {
    /// The best `most` levels of a side; an error names the symbols that have a book.
    pub(crate) fn of(pipeline: &Pipeline, symbol: &str, most: usize) -> PyResult<Self> {
        let settings = pipeline.settings();
        let known = settings.config.books.iter().filter_map(|plan| Some((plan, settings.symbols.name(plan.symbol)?)));
        let found = known.clone().find(|(_, name)| name.eq_ignore_ascii_case(symbol));
        let book = found.and_then(|(plan, _)| Some((plan, pipeline.processor().book(plan.symbol)?)));
        let Some((plan, book)) = book else {
            let names: Vec<&str> = known.map(|(_, name)| name).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(refuse(format!(
                "no book of {symbol} is kept, of {names} there is; ask with books={{{symbol:?}: (tick_size, lot_size)}}"
            )));
        };
        let side = |side| levels(book, side, most, plan);
        Ok(Self {
            state: book.state(),
            last_update: book.last_update(),
            bids: side(Side::Buy)?,
            asks: side(Side::Sell)?,
            counts: book.counts(),
        })
    }

    pub(crate) fn into_dict(self, py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let (state, why) = match self.state {
            SyncState::Waiting => ("waiting", None),
            SyncState::Live => ("live", None),
            SyncState::Broken(broken) => ("broken", Some(broken.to_string())),
        };
        let out = PyDict::new(py);
        out.set_item("state", state)?;
        out.set_item("why", why)?;
        out.set_item("last_update", self.last_update)?;
        out.set_item("bids", self.bids)?;
        out.set_item("asks", self.asks)?;
        let counts = PyDict::new(py);
        for (name, count) in [
            ("received", self.counts.received),
            ("applied", self.counts.applied),
            ("dropped", self.counts.dropped),
            ("overflowed", self.counts.overflowed),
            ("breaking", self.counts.breaking),
            ("resyncs", self.counts.resyncs),
            ("snapshots", self.counts.snapshots),
        ] {
            counts.set_item(name, count)?;
        }
        out.set_item("counts", counts)?;
        Ok(out)
    }
}

fn levels(
    book: &DepthSync,
    side: Side,
    most: usize,
    plan: &deepalpha_engine::stream::processor::BookPlan,
) -> PyResult<Levels> {
    let level = |level: deepalpha_engine::book::DepthLevel| {
        let price = level.price.to_price(plan.tick_size).map_err(refuse)?;
        let quantity = level.quantity.to_quantity(plan.lot_size).map_err(refuse)?;
        Ok((price.raw(), quantity.raw()))
    };
    book.depth().levels(side).take(most).map(level).collect()
}
