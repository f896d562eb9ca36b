//! The order manager for Python, with its log: what is to be written is written before a call returns, what is to be
//! sent comes back as a list. Whoever carries it out needs to know nothing of orders' lives.

mod effects;
mod reports;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use deepalpha_engine::execution::{
    Command, Denied, Effect, LogEntry, ManagerConfig, Moment, OrderManager, Resolution, Submitted,
};
use deepalpha_engine::types::{ClientOrderId, Price, Quantity, SourceId, StrategyId, Symbol, UtcNanos};
use deepalpha_io::ops::{Level, OpsError, OpsLog, OrderJournal};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyList};

use super::convert::{amount, id};
use super::gate::PyApproved;
use crate::error::{Kind, raise};

struct Inner {
    manager: OrderManager,
    log: OpsLog,
    journal: OrderJournal,
    level: Level,
    begun: Instant,
    effects: Vec<Effect>,
    /// Why the log did not take the last record it was offered; empty when it did.
    trouble: String,
}

/// The order manager of one account at one venue.
#[pyclass(name = "OrderManager", module = "deepalpha._core", frozen)]
pub(crate) struct PyOrderManager {
    inner: Mutex<Inner>,
}

/// Both clocks of a call, in nanoseconds: monotonic and UTC. None is this machine's.
type Clocks = Option<(i64, i64)>;
type Effects<'py> = Bound<'py, PyList>;

fn store(error: impl std::fmt::Display) -> PyErr {
    raise(Kind::Store, error)
}

/// Why something was not done: code and words; None when it was.
fn denied(answer: Result<(), Denied>) -> Option<(&'static str, String)> {
    answer.err().map(|why| (why.code(), why.to_string()))
}

impl Inner {
    fn at(&self, clocks: Clocks) -> Moment {
        if let Some((monotonic, utc)) = clocks {
            return Moment { monotonic, utc: UtcNanos(utc) };
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment {
            monotonic: i64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(i64::MAX),
            utc: UtcNanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)),
        }
    }

    /// Do something, then write what came of it, then tell the manager what the log has, until nothing is left to write.
    /// What is to be sent is collected on the way: every intent stands in the log by then.
    fn step<T>(
        &mut self,
        at: Moment,
        act: impl FnOnce(&mut OrderManager, Moment, &mut Vec<Effect>) -> T,
    ) -> (T, Vec<Effect>) {
        let mut effects = std::mem::take(&mut self.effects);
        let answer = act(&mut self.manager, at, &mut effects);
        let mut outside = Vec::new();
        while !effects.is_empty() {
            let mut entries: Vec<LogEntry> = Vec::new();
            for effect in effects.drain(..) {
                match effect {
                    Effect::Log(entry) => entries.push(entry),
                    other => outside.push(other),
                }
            }
            let Some(last) = entries.last().map(|entry| entry.seq) else { break };
            match self.journal.append(&mut self.log, &entries, self.level) {
                Ok(()) => {
                    self.trouble.clear();
                    self.manager.logged(at, last, &mut effects);
                }
                Err(error) => {
                    self.trouble = error.to_string();
                    self.manager.log_failed(at, &mut effects);
                }
            }
        }
        self.effects = effects;
        (answer, outside)
    }
}

impl PyOrderManager {
    /// Whoever waits here lets the interpreter go: the one who has the manager may wait for the disk.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Inner> {
        self.inner.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    fn step<'py, T: Send>(
        &self,
        py: Python<'py>,
        clocks: Clocks,
        act: impl FnOnce(&mut OrderManager, Moment, &mut Vec<Effect>) -> T + Send,
    ) -> PyResult<(T, Effects<'py>)> {
        // The log is written without the interpreter's lock.
        let (answer, effects) = py.detach(|| {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let at = inner.at(clocks);
            inner.step(at, act)
        });
        Ok((answer, effects::list(py, &effects)?))
    }

    fn command<'py>(&self, py: Python<'py>, clocks: Clocks, command: Command) -> PyResult<Answer<'py>> {
        let (answer, effects) = self.step(py, clocks, |manager, at, out| manager.command(at, command, out))?;
        Ok((denied(answer), effects))
    }
}

/// Why it was not done (code, words), and what is to be done.
type Answer<'py> = (Option<(&'static str, String)>, Effects<'py>);

fn config(given: &Bound<'_, PyDict>, account_id: &str, own_prefix: &str) -> PyResult<ManagerConfig> {
    let account = id(account_id, SourceId::parse)?;
    let mut made =
        ManagerConfig { account, own_prefix: id(own_prefix, StrategyId::parse)?, ..ManagerConfig::default() };
    for (name, value) in given.iter() {
        let name: String = name.extract()?;
        match name.as_str() {
            "seed" => made.seed = value.extract()?,
            "reduce_without_log" => made.reduce_without_log = value.extract()?,
            other => {
                let slot = match other {
                    "answer_timeout" => &mut made.answer_timeout,
                    "longest_intent_age" => &mut made.longest_intent_age,
                    "absence_horizon" => &mut made.absence_horizon,
                    "venue_lag" => &mut made.venue_lag,
                    "first_query_pause" => &mut made.first_query_pause,
                    "longest_query_pause" => &mut made.longest_query_pause,
                    "reconcile_every" => &mut made.reconcile_every,
                    "snapshot_timeout" => &mut made.snapshot_timeout,
                    "fills_overlap" => &mut made.fills_overlap,
                    "log_retry_pause" => &mut made.log_retry_pause,
                    "clock_tolerance" => &mut made.clock_tolerance,
                    _ => return Err(raise(Kind::Order, format!("an order manager has no setting {other:?}"))),
                };
                *slot = value.extract()?;
                if *slot < 0 {
                    return Err(raise(Kind::Order, format!("{other} is {slot} ns; it must not be negative")));
                }
            }
        }
    }
    Ok(made)
}

#[pymethods]
impl PyOrderManager {
    /// As its log leaves it; durations in `settings` are nanoseconds.
    #[new]
    #[pyo3(signature = (path, *, run_id, account_id, mode, own_prefix, durable, settings))]
    #[expect(clippy::too_many_arguments, reason = "what it is, by name")]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        run_id: &str,
        account_id: &str,
        mode: &str,
        own_prefix: &str,
        durable: bool,
        settings: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let mode = match mode {
            "practice" => "practice",
            "paper" => "paper",
            "live" => "live",
            other => return Err(raise(Kind::Order, format!("mode {other:?} is not practice, paper or live"))),
        };
        let config = config(settings, account_id, own_prefix)?;
        let mut journal = OrderJournal::new(run_id, account_id, mode);
        let (log, entries) = py
            .detach(|| {
                let log = OpsLog::open(&path)?;
                let entries = journal.read(&log)?;
                Ok((log, entries))
            })
            .map_err(|error: OpsError| store(error))?;
        let manager = OrderManager::replay(config, &entries).map_err(store)?;
        let inner = Inner {
            manager,
            log,
            journal,
            level: if durable { Level::Durable } else { Level::Journalled },
            begun: Instant::now(),
            effects: Vec::new(),
            trouble: String::new(),
        };
        Ok(Self { inner: Mutex::new(inner) })
    }

    /// Begin: what was on its way when the last process ended is unknown now.
    #[pyo3(signature = (clocks = None))]
    fn start<'py>(&self, py: Python<'py>, clocks: Clocks) -> PyResult<Effects<'py>> {
        Ok(self.step(py, clocks, OrderManager::start)?.1)
    }

    /// The time; call it at least every 100 ms.
    #[pyo3(signature = (clocks = None))]
    fn timer<'py>(&self, py: Python<'py>, clocks: Clocks) -> PyResult<Effects<'py>> {
        Ok(self.step(py, clocks, OrderManager::timer)?.1)
    }

    /// Submit an approved order: `("taken" | "duplicate", state)`, or why not; and what is to be done.
    #[pyo3(signature = (approved, clocks = None))]
    fn submit<'py>(
        &self,
        py: Python<'py>,
        approved: &PyApproved,
        clocks: Clocks,
    ) -> PyResult<((&'static str, String), Effects<'py>)> {
        let approved = approved.take()?;
        let (answer, effects) = self.step(py, clocks, |manager, at, out| manager.submit(at, approved, out))?;
        let answer = match answer {
            Submitted::Taken => ("taken", String::new()),
            Submitted::Duplicate(state) => ("duplicate", state.as_str().to_owned()),
            Submitted::Denied(why) => ("denied", why.to_string()),
        };
        Ok((answer, effects))
    }

    /// Take an order back.
    #[pyo3(signature = (client_order_id, clocks = None))]
    fn cancel<'py>(&self, py: Python<'py>, client_order_id: &str, clocks: Clocks) -> PyResult<Answer<'py>> {
        self.command(py, clocks, Command::Cancel(id(client_order_id, ClientOrderId::parse)?))
    }

    /// Take all of our orders back, or those of a symbol.
    #[pyo3(signature = (symbol = None, clocks = None))]
    fn cancel_all<'py>(&self, py: Python<'py>, symbol: Option<&str>, clocks: Clocks) -> PyResult<Answer<'py>> {
        let symbol = symbol.map_or(Ok(Symbol::EMPTY), |symbol| id(symbol, Symbol::parse))?;
        self.command(py, clocks, Command::CancelAll { symbol })
    }

    /// Make an order smaller or move its limit; what is None stays.
    #[pyo3(signature = (client_order_id, *, quantity = None, limit_price = None, clocks = None))]
    fn amend<'py>(
        &self,
        py: Python<'py>,
        client_order_id: &str,
        quantity: Option<Bound<'py, PyAny>>,
        limit_price: Option<Bound<'py, PyAny>>,
        clocks: Clocks,
    ) -> PyResult<Answer<'py>> {
        let command = Command::Amend {
            client_order_id: id(client_order_id, ClientOrderId::parse)?,
            quantity: quantity.map(|given| amount(&given, Quantity::parse)).transpose()?,
            price: limit_price.map(|given| amount(&given, Price::parse)).transpose()?,
        };
        self.command(py, clocks, command)
    }

    /// The latched switches: `kill` (with or without closing every position), `reduce`, `rearm`.
    #[pyo3(signature = (to, *, flatten = false, clocks = None))]
    fn switch<'py>(&self, py: Python<'py>, to: &str, flatten: bool, clocks: Clocks) -> PyResult<Answer<'py>> {
        let command = match to {
            "kill" => Command::Kill { flatten },
            "reduce" => Command::Reduce,
            "rearm" => Command::Rearm,
            other => return Err(raise(Kind::Order, format!("switch {other:?} is not kill, reduce or rearm"))),
        };
        self.command(py, clocks, command)
    }

    /// A person accepts the venue's side of a discrepancy.
    #[pyo3(signature = (discrepancy, clocks = None))]
    fn accept_venue<'py>(&self, py: Python<'py>, discrepancy: u64, clocks: Clocks) -> PyResult<Answer<'py>> {
        self.command(py, clocks, Command::AcceptVenue(discrepancy))
    }

    /// A person says what became of an unknown order: `absent`, `cancelled`, or `filled` with a quantity and a price.
    #[pyo3(signature = (client_order_id, outcome, *, quantity = None, price = None, clocks = None))]
    fn resolve<'py>(
        &self,
        py: Python<'py>,
        client_order_id: &str,
        outcome: &str,
        quantity: Option<Bound<'py, PyAny>>,
        price: Option<Bound<'py, PyAny>>,
        clocks: Clocks,
    ) -> PyResult<Answer<'py>> {
        let resolution = match (outcome, quantity, price) {
            ("absent", None, None) => Resolution::Absent,
            ("cancelled", None, None) => Resolution::Cancelled,
            ("filled", Some(quantity), Some(price)) => Resolution::Filled {
                quantity: amount(&quantity, Quantity::parse)?,
                price: amount(&price, Price::parse)?,
            },
            _ => {
                let message = format!("{outcome:?}: it is absent or cancelled, or filled with a quantity and a price");
                return Err(raise(Kind::Order, message));
            }
        };
        let client_order_id = id(client_order_id, ClientOrderId::parse)?;
        self.command(py, clocks, Command::Resolve { client_order_id, resolution })
    }

    /// A message of the venue, as its kind and its fields.
    #[pyo3(signature = (kind, fields, clocks = None))]
    fn report<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        fields: &Bound<'py, PyDict>,
        clocks: Clocks,
    ) -> PyResult<Effects<'py>> {
        let told = reports::parse(kind, fields)?;
        Ok(self.step(py, clocks, |manager, at, out| manager.report(at, told.as_report(), out))?.1)
    }

    /// Orders that are not closed, or every one, oldest first.
    #[pyo3(signature = (*, closed = false))]
    fn orders<'py>(&self, py: Python<'py>, closed: bool) -> PyResult<Bound<'py, PyList>> {
        let inner = self.lock(py);
        let manager = &inner.manager;
        let shown = manager.orders().iter().filter(|order| closed || order.state().is_open());
        effects::orders(py, shown.map(|order| (manager.symbol_of(order), order)))
    }

    /// One order, or None.
    fn order<'py>(&self, py: Python<'py>, client_order_id: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let inner = self.lock(py);
        let found = inner.manager.order(&id(client_order_id, ClientOrderId::parse)?);
        found.map(|order| effects::order(py, inner.manager.symbol_of(order), order)).transpose()
    }

    /// Positions that are not flat: `[(symbol, leg, signed quantity), ...]`, the sums of the fills.
    fn positions(&self, py: Python<'_>) -> Vec<(String, &'static str, String)> {
        let inner = self.lock(py);
        let all = inner.manager.positions();
        all.map(|(symbol, leg, held)| (symbol.to_string(), leg.as_str(), held.to_string())).collect()
    }

    /// Signed notional that working orders, unknown ones among them, may still take, by symbol.
    fn working(&self, py: Python<'_>) -> Vec<(String, String)> {
        let reserved = self.lock(py).manager.reserved();
        reserved.iter().map(|(symbol, reserved)| (symbol.to_string(), reserved.net().to_string())).collect()
    }

    /// Open disagreements with the venue.
    fn discrepancies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let inner = self.lock(py);
        let out = PyList::empty(py);
        for discrepancy in inner.manager.discrepancies() {
            out.append(effects::discrepancy(py, discrepancy)?)?;
        }
        Ok(out)
    }

    /// What is allowed and why: `risk_state`, `killed`, `reconciled`, `log_trouble`, counts, `state_hash`.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let inner = self.lock(py);
        let (manager, out) = (&inner.manager, PyDict::new(py));
        out.set_item("risk_state", effects::risk_state(manager.risk_state()))?;
        out.set_item("killed", manager.is_killed())?;
        out.set_item("reconciled", manager.is_reconciled())?;
        out.set_item("log_trouble", &inner.trouble)?;
        out.set_item("open_orders", manager.open_orders())?;
        out.set_item("unconfirmed", manager.unconfirmed())?;
        let counts = manager.counts();
        for (name, count) in [
            ("intents", counts.intents),
            ("sent", counts.sent),
            ("fills", counts.fills),
            ("duplicate_fills", counts.duplicate_fills),
            ("ignored_reports", counts.ignored_reports),
            ("queries", counts.queries),
        ] {
            out.set_item(name, count)?;
        }
        out.set_item("state_hash", format!("{:032x}", manager.state_hash()))?;
        Ok(out)
    }
}
