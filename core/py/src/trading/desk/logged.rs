//! The desk with its log: whatever is done is written before the caller is told.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use deepalpha_engine::desk::{Durability, ExecutionDesk, LatencyByDurability};
use deepalpha_engine::orders::OrderRequest;
use deepalpha_engine::types::{ClientOrderId, Price, SourceId, UtcNanos};
use deepalpha_io::ops::OpsError;
use pyo3::prelude::*;

use super::journal::Journal;
use crate::trading::convert::id;

/// A desk, its log when it has one, and the ids it gives.
pub(super) struct LoggedDesk {
    pub(super) desk: ExecutionDesk,
    pub(super) journal: Option<Journal>,
    pub(super) latency: LatencyByDurability,
    /// `PAPER-<session>-`
    pub(super) prefix: String,
    pub(super) number: u64,
    /// Text of the id that is being made.
    pub(super) name: String,
}

/// Nanoseconds since 1970 by this machine's clock, or what the caller says.
pub(super) fn clock(given: Option<i64>, desk: &ExecutionDesk) -> UtcNanos {
    let now = given.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    });
    // A clock that steps back (or two calls in one nanosecond) must not stop trading.
    UtcNanos(now.max(desk.now().0))
}

impl LoggedDesk {
    /// Do something and write what it told.
    pub(super) fn act<T>(
        &mut self,
        now: UtcNanos,
        run: impl FnOnce(&mut ExecutionDesk, UtcNanos) -> T,
    ) -> (T, Result<(), OpsError>) {
        self.catch_up(now);
        let done = run(&mut self.desk, now);
        (done, self.write(now))
    }

    /// The same; with a log the interpreter's other threads go on meanwhile, as the disk, or another process that writes,
    /// may keep it waiting.
    pub(super) fn act_beside<T: Send>(
        &mut self,
        py: Python<'_>,
        now: UtcNanos,
        run: impl FnOnce(&mut ExecutionDesk, UtcNanos) -> T + Send,
    ) -> (T, Result<(), OpsError>) {
        if self.journal.is_none() { self.act(now, run) } else { py.detach(|| self.act(now, run)) }
    }

    /// After a write that failed: try again what it left, so that an order is not refused for trouble that is over.
    fn catch_up(&mut self, now: UtcNanos) {
        if self.desk.gate().io_trouble().is_some() {
            // What fails again is told by the write that follows the command.
            let _told_later = self.write(now);
        }
    }

    /// Write what is not written yet. While that fails no new order is taken.
    fn write(&mut self, now: UtcNanos) -> Result<(), OpsError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        self.desk.hold_events(true);
        let written = journal.flush(&self.desk, now.0);
        let trouble = written.as_ref().err().map(ToString::to_string);
        if trouble.is_none() {
            self.desk.hold_events(false);
        }
        if trouble.is_some() || self.desk.gate().io_trouble().is_some() {
            self.desk.gate_mut().set_io_trouble(trouble);
        }
        written
    }

    pub(super) fn durability(&self) -> Durability {
        self.journal.as_ref().map_or(Durability::None, Journal::durability)
    }

    /// Give the order its id, its source and the price it was decided at.
    pub(super) fn complete(&mut self, request: &mut OrderRequest) -> PyResult<()> {
        if request.client_order_id.is_empty() {
            self.number += 1;
            self.name.clear();
            let _infallible = write!(self.name, "{}{}", self.prefix, self.number);
            request.client_order_id = id(&self.name, ClientOrderId::parse)?;
        } else if !request.client_order_id.starts_with("PAPER-") {
            request.client_order_id = id(&format!("PAPER-{}", request.client_order_id), ClientOrderId::parse)?;
        }
        if request.decision_id.is_empty() {
            request.decision_id = id(&request.client_order_id, SourceId::parse)?;
        }
        if request.reference_price == Price::ZERO {
            let last = self.desk.market(&request.symbol).and_then(|market| market.quote).map(|quote| quote.price);
            request.reference_price = last.or(request.order_type.price()).unwrap_or_default();
        }
        Ok(())
    }
}
