//! The execution desk for Python: one call an order, one call a batch; the journal is written before a call returns.

mod errors;
mod journal;
mod logged;
mod order;
mod rows;
mod settings;

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deepalpha_engine::desk::{DeskError, ExecutionDesk, LatencyByDurability, Level as Shown};
use deepalpha_engine::matching::exchange::{CancelFilter, MarketTrade, OrderChange};
use deepalpha_engine::types::{ClientOrderId, Price, Quantity, Ratio, SourceId, Symbol, UtcNanos};
use deepalpha_io::ops::{Level, OpsLog};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyList};

use super::convert::{id, side};
use errors::{map_error, settle, store};
use journal::Journal;
use logged::{LoggedDesk, clock};
use order::value;

/// An execution desk on a paper venue.
#[pyclass(name = "ExecutionDesk", module = "deepalpha._core", frozen)]
pub(crate) struct PyExecutionDesk {
    inner: Mutex<LoggedDesk>,
    told: Condvar,
}

impl PyExecutionDesk {
    /// Whoever waits here lets the interpreter go: the one who has the desk may need it to go on.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, LoggedDesk> {
        self.inner.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// Run a command, write what it told, wake who waits for events.
    fn command<T: Send>(
        &self,
        py: Python<'_>,
        now: Option<i64>,
        run: impl FnOnce(&mut ExecutionDesk, UtcNanos) -> Result<T, DeskError> + Send,
    ) -> PyResult<T> {
        let mut inner = self.lock(py);
        let now = clock(now, &inner.desk);
        let (done, written) = inner.act_beside(py, now, run);
        drop(inner);
        self.told.notify_all();
        settle(py, done, written, || "it was done".to_owned())
    }
}

fn shown(levels: &[(Bound<'_, PyAny>, Bound<'_, PyAny>)]) -> PyResult<Vec<Shown>> {
    let level = |(price, size): &(Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let price = value("price", price, Price::parse, Price::from_raw)?;
        Ok((price, value("quantity", size, Quantity::parse, Quantity::from_raw)?))
    };
    levels.iter().map(level).collect()
}

#[pymethods]
impl PyExecutionDesk {
    /// A desk with these settings (see `settings`); `session` is in every id it makes.
    #[new]
    fn new(py: Python<'_>, settings: &Bound<'_, PyDict>, session: u64) -> PyResult<Self> {
        let prefix = format!("PAPER-{session}-");
        let (config, instruments) = settings::settings(settings, id(&prefix, ClientOrderId::parse)?)?;
        let mut desk = ExecutionDesk::new(config, UtcNanos(0)).map_err(|error| map_error(py, error))?;
        for listed in instruments {
            desk.list(listed).map_err(|error| map_error(py, error))?;
        }
        let (latency, name) = (LatencyByDurability::default(), String::new());
        let inner = LoggedDesk { desk, journal: None, latency, prefix, number: 0, name };
        Ok(Self { inner: Mutex::new(inner), told: Condvar::new() })
    }

    /// From now on everything is written to the log, which has `fills` fills of the account already, before a call returns.
    #[pyo3(signature = (path, *, run_id, account_id, durable, fills))]
    fn journal(
        &self,
        py: Python<'_>,
        path: PathBuf,
        run_id: String,
        account_id: String,
        durable: bool,
        fills: u64,
    ) -> PyResult<()> {
        let log = py.detach(|| OpsLog::open(&path)).map_err(store)?;
        let level = if durable { Level::Durable } else { Level::Journalled };
        self.lock(py).journal = Some(Journal::new(log, run_id, account_id, level, fills));
        Ok(())
    }

    /// Submit an order; its id.
    #[pyo3(signature = (order, now = None))]
    fn submit(&self, py: Python<'_>, order: &Bound<'_, PyDict>, now: Option<i64>) -> PyResult<String> {
        let begin = Instant::now();
        let mut request = order::parse(order)?;
        let mut guard = self.lock(py);
        let inner = &mut *guard;
        inner.complete(&mut request)?;
        let now = clock(now, &inner.desk);
        let (done, written) = inner.act_beside(py, now, |desk, now| desk.submit(request, now));
        let spent = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let level = inner.durability();
        inner.latency.record(level, spent);
        drop(guard);
        self.told.notify_all();
        settle(py, done, written, || format!("order {} was taken", request.client_order_id))?;
        Ok(request.client_order_id.as_str().to_owned())
    }

    /// Submit many orders, given as `{column: list}`; `{column: list}` of what became of them. One transaction.
    #[pyo3(signature = (columns, now = None))]
    fn submit_many<'py>(
        &self,
        py: Python<'py>,
        columns: &Bound<'py, PyDict>,
        now: Option<i64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let begin = Instant::now();
        let mut requests = rows::requests(columns)?;
        let mut guard = self.lock(py);
        let inner = &mut *guard;
        for request in &mut requests {
            inner.complete(request)?;
        }
        let now = clock(now, &inner.desk);
        let logged = inner.journal.is_some();
        let (answers, written) = py.detach(|| {
            inner.act(now, |desk, now| {
                desk.hold_events(logged);
                requests.iter().map(|request| desk.submit(*request, now)).collect::<Vec<_>>()
            })
        });
        let spent = begin.elapsed().as_nanos() / u128::try_from(requests.len().max(1)).unwrap_or(1);
        let level = inner.durability();
        for _ in &requests {
            inner.latency.record(level, u64::try_from(spent).unwrap_or(u64::MAX));
        }
        drop(guard);
        self.told.notify_all();
        let taken = answers.iter().filter(|answer| answer.is_ok()).count();
        settle(py, Ok(()), written, || format!("{taken} of {} orders were taken", requests.len()))?;
        rows::answers(py, &requests, answers)
    }

    /// Take an order or a parent back.
    #[pyo3(signature = (client_order_id, now = None))]
    fn cancel(&self, py: Python<'_>, client_order_id: &str, now: Option<i64>) -> PyResult<()> {
        let order = id(client_order_id, ClientOrderId::parse)?;
        self.command(py, now, |desk, now| {
            if desk.parent(&order).is_some() {
                return desk.cancel_parent(&order, now);
            }
            desk.cancel(&order, now, "asked for")
        })
    }

    /// Take every order back, or those of an instrument or side; how many were asked to go.
    #[pyo3(signature = (symbol = None, of_side = None, now = None))]
    fn cancel_all(
        &self,
        py: Python<'_>,
        symbol: Option<&str>,
        of_side: Option<&str>,
        now: Option<i64>,
    ) -> PyResult<usize> {
        let symbol = symbol.map(|symbol| id(symbol, Symbol::parse)).transpose()?;
        let filter = CancelFilter { symbol, side: of_side.map(side).transpose()?, keep_reducing: false };
        self.command(py, now, |desk, now| desk.cancel_all(&filter, now, "asked for"))
    }

    /// Change an order (or the quantity and limit of a parent); what is None stays.
    #[pyo3(signature = (client_order_id, *, quantity = None, limit_price = None, trigger_price = None, now = None))]
    fn amend(
        &self,
        py: Python<'_>,
        client_order_id: &str,
        quantity: Option<Bound<'_, PyAny>>,
        limit_price: Option<Bound<'_, PyAny>>,
        trigger_price: Option<Bound<'_, PyAny>>,
        now: Option<i64>,
    ) -> PyResult<()> {
        let price = |name: &str, given: Option<Bound<'_, PyAny>>| {
            given.map(|given| value(name, &given, Price::parse, Price::from_raw)).transpose()
        };
        let order = id(client_order_id, ClientOrderId::parse)?;
        let quantity =
            quantity.map(|given| value("quantity", &given, Quantity::parse, Quantity::from_raw)).transpose()?;
        let change = OrderChange {
            quantity,
            limit: price("limit_price", limit_price)?,
            trigger: price("trigger_price", trigger_price)?,
        };
        self.command(py, now, |desk, now| {
            let Some(parent) = desk.parent(&order).map(|parent| parent.request().clone()) else {
                return desk.amend(&order, &change, now);
            };
            let quantity = change.quantity.unwrap_or(parent.quantity);
            desk.amend_parent(&order, quantity, change.limit.or(parent.limit))
        })
    }

    /// Start a TWAP, VWAP or POV parent, given by its attributes; its id.
    #[pyo3(signature = (terms, now = None))]
    fn parent(&self, py: Python<'_>, terms: &Bound<'_, PyDict>, now: Option<i64>) -> PyResult<String> {
        let mut guard = self.lock(py);
        guard.number += 1;
        let name = format!("{}P{}", guard.prefix, guard.number);
        let at = clock(now, &guard.desk);
        let request = rows::parent(terms, id(&name, ClientOrderId::parse)?, at, &guard.desk)?;
        drop(guard);
        self.command(py, Some(at.0), |desk, now| desk.start_parent(request, now))?;
        Ok(name)
    }

    /// What the market shows of an instrument, best first.
    #[pyo3(signature = (symbol, bids, asks, now = None))]
    fn quote(
        &self,
        py: Python<'_>,
        symbol: &str,
        bids: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
        asks: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
        now: Option<i64>,
    ) -> PyResult<()> {
        let (symbol, bids, asks) = (id(symbol, Symbol::parse)?, shown(&bids)?, shown(&asks)?);
        self.command(py, now, |desk, now| {
            desk.quote(&symbol, &bids, &asks, now)?;
            desk.advance(now)
        })
    }

    /// Somebody's trade.
    #[pyo3(signature = (symbol, price, quantity, taker_side, now = None))]
    fn trade(
        &self,
        py: Python<'_>,
        symbol: &str,
        price: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        taker_side: &str,
        now: Option<i64>,
    ) -> PyResult<()> {
        let symbol = id(symbol, Symbol::parse)?;
        let price = value("price", price, Price::parse, Price::from_raw)?;
        let quantity = value("quantity", quantity, Quantity::parse, Quantity::from_raw)?;
        let taker_side = side(taker_side)?;
        self.command(py, now, |desk, ts_event| {
            desk.trade(&MarketTrade { symbol, ts_event, price, quantity, taker_side })?;
            desk.advance(ts_event)
        })
    }

    /// Time goes on: expiry, waiting orders, parents.
    #[pyo3(signature = (now = None))]
    fn advance(&self, py: Python<'_>, now: Option<i64>) -> PyResult<()> {
        self.command(py, now, |desk, now| desk.advance(now))
    }

    /// Funding `(symbol, rate, price)`, then marks `(symbol, price)`, then the margin, with all that follows from it.
    #[pyo3(signature = (funding, marks, now = None))]
    fn settle(
        &self,
        py: Python<'_>,
        funding: Vec<(String, Bound<'_, PyAny>, Bound<'_, PyAny>)>,
        marks: Vec<(String, Bound<'_, PyAny>)>,
        now: Option<i64>,
    ) -> PyResult<()> {
        let price = |given: &Bound<'_, PyAny>| value("price", given, Price::parse, Price::from_raw);
        let rate = |given: &Bound<'_, PyAny>| value("rate", given, Ratio::parse, Ratio::from_raw);
        let due = funding.iter().map(|(name, due, at)| Ok((id(name, Symbol::parse)?, rate(due)?, price(at)?)));
        let due = due.collect::<PyResult<Vec<_>>>()?;
        let marked = marks.iter().map(|(name, at)| Ok((id(name, Symbol::parse)?, price(at)?)));
        let marked = marked.collect::<PyResult<Vec<_>>>()?;
        self.command(py, now, |desk, now| desk.settle(now, &due, &marked))
    }

    /// A trading day begins: shares bought under T+1 may be sold.
    #[pyo3(signature = (now = None))]
    fn start_trading_day(&self, py: Python<'_>, now: Option<i64>) -> PyResult<()> {
        self.command(py, now, |desk, _| desk.start_trading_day())
    }

    /// Halt: nothing that opens risk passes until `rearm`.
    #[pyo3(signature = (reason, by, now = None))]
    fn halt(&self, py: Python<'_>, reason: &str, by: &str, now: Option<i64>) -> PyResult<()> {
        self.command(py, now, |desk, now| {
            desk.halt(reason, by, now);
            Ok(())
        })
    }

    /// A person takes the halt back.
    #[pyo3(signature = (by, now = None))]
    fn rearm(&self, py: Python<'_>, by: &str, now: Option<i64>) -> PyResult<()> {
        self.command(py, now, |desk, now| desk.rearm(by, now))
    }

    /// At most `most` events as `(first, missed, [(kind, fields), ...])`; waits up to `seconds` for the first one.
    fn take_events<'py>(&self, py: Python<'py>, most: usize, seconds: f64) -> PyResult<Option<rows::Batch<'py>>> {
        let seconds = Duration::try_from_secs_f64(seconds.clamp(0.0, 60.0)).unwrap_or_default();
        let batch = py.detach(|| {
            let guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let nothing = |inner: &mut LoggedDesk| inner.desk.events().is_empty();
            let waited = self.told.wait_timeout_while(guard, seconds, nothing);
            let (mut guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
            guard.desk.take_events(most)
        });
        batch.map(|batch| rows::batch(py, batch)).transpose()
    }

    /// Wake whoever waits for events.
    fn wake(&self) {
        self.told.notify_all();
    }

    /// Open orders, or all that are remembered of one id.
    #[pyo3(signature = (client_order_id = None))]
    fn orders<'py>(&self, py: Python<'py>, client_order_id: Option<&str>) -> PyResult<Bound<'py, PyList>> {
        let inner = self.lock(py);
        let records = match client_order_id {
            None => inner.desk.working(),
            Some(name) => inner.desk.order(&id(name, ClientOrderId::parse)?).into_iter().collect(),
        };
        rows::orders(py, &records)
    }

    /// Parent orders by id.
    fn parents<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        rows::parents(py, &self.lock(py).desk)
    }

    /// Positions that are not flat.
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        rows::positions(py, &self.lock(py).desk).map_err(|error| map_error(py, error))?
    }

    /// Totals of the account as decimal text.
    fn account<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let inner = self.lock(py);
        let totals = inner.desk.totals().map_err(|error| map_error(py, error))?;
        rows::account(py, &totals, inner.desk.now().0)
    }

    /// What backs the positions, as decimal text.
    fn margin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        rows::margin(py, &self.lock(py).desk).map_err(|error| map_error(py, error))?
    }

    /// Counts, and percentiles in nanoseconds by durability level.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let inner = self.lock(py);
        rows::stats(py, &inner.desk, &inner.latency)
    }

    /// A digest of the state.
    fn state_hash(&self, py: Python<'_>) -> u64 {
        self.lock(py).desk.state_hash()
    }

    /// After a restart: orders, fills, settlements (each with the fills before it) and the account's state of earlier
    /// runs, in the order of the log.
    #[pyo3(signature = (orders, fills, settlements, state = None))]
    fn restore(
        &self,
        py: Python<'_>,
        orders: Vec<(String, String)>,
        fills: Vec<Bound<'_, PyDict>>,
        settlements: Vec<(usize, Bound<'_, PyDict>)>,
        state: Option<(String, String, String, i64)>,
    ) -> PyResult<()> {
        let mut inner = self.lock(py);
        for (order, decision) in &orders {
            inner.desk.restore_order(id(order, ClientOrderId::parse)?, id(decision, SourceId::parse)?);
        }
        let mut settlements = settlements.iter().peekable();
        let mut settle_until = |inner: &mut LoggedDesk, booked: usize| -> PyResult<()> {
            while let Some((_, given)) = settlements.next_if(|(before, _)| *before <= booked) {
                let settled = rows::settlement(given)?;
                inner.desk.restore_settled(&settled).map_err(|error| map_error(py, error))?;
            }
            Ok(())
        };
        for (booked, given) in fills.iter().enumerate() {
            settle_until(&mut inner, booked)?;
            let (fill, leg, strategy) = rows::fill(given)?;
            inner.desk.restore_fill(&fill, leg, strategy).map_err(|error| map_error(py, error))?;
        }
        settle_until(&mut inner, usize::MAX)?;
        if let Some((state, reason, by, since)) = state {
            let known = deepalpha_engine::risk::AccountState::parse(&state)
                .ok_or_else(|| PyRuntimeError::new_err(format!("no account state {state:?}")))?;
            inner.desk.restore_state(known, &reason, &by, UtcNanos(since));
        }
        Ok(())
    }
}
