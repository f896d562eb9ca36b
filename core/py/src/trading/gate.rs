//! The risk gate for Python. `Approved` has no constructor: from Python it cannot be made, copied or pickled.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use deepalpha_engine::risk::{AccountView, Approved, Market, Quote, RiskGate, TopOfBook};
use deepalpha_engine::types::{
    AmountError, ClientOrderId, Money, Price, Quantity, Ratio, SignedQuantity, SourceId, StrategyId, Symbol, UtcNanos,
};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyList};

use super::convert::{amount, id, instrument, request, verdict};
use super::risk_rows::{event_rows, rules_table, snapshot_of, snapshot_row, usage_rows};
use super::risk_table::limits_of;
use crate::error::{Kind, raise};

/// An order that passed the gate; a venue takes it once.
#[pyclass(name = "Approved", module = "deepalpha._core", frozen)]
pub(crate) struct PyApproved {
    client_order_id: ClientOrderId,
    approved: Mutex<Option<Approved>>,
}

impl PyApproved {
    /// The approval itself; the second call is an error.
    pub(crate) fn take(&self) -> PyResult<Approved> {
        let mut slot = self.approved.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take().ok_or_else(|| {
            raise(
                Kind::Order,
                format!("the approval of {} was used before; one approval, one order", self.client_order_id),
            )
        })
    }
}

#[pymethods]
impl PyApproved {
    /// Id of the order that was approved.
    #[getter]
    fn client_order_id(&self) -> &str {
        self.client_order_id.as_str()
    }

    fn __repr__(&self) -> String {
        format!("Approved({:?})", self.client_order_id)
    }
}

/// An account as the gate sees it.
#[pyclass(name = "AccountView", module = "deepalpha._core", frozen)]
pub(crate) struct PyAccountView {
    pub(crate) view: AccountView,
}

type Amounts<'py> = BTreeMap<String, Bound<'py, PyAny>>;

fn amounts<T>(given: Amounts<'_>, parse: fn(&str) -> Result<T, AmountError>) -> PyResult<BTreeMap<Symbol, T>> {
    given.into_iter().map(|(symbol, value)| Ok((id(&symbol, Symbol::parse)?, amount(&value, parse)?))).collect()
}

#[pymethods]
impl PyAccountView {
    /// Equity; holdings, their signed values and the signed notional of working orders, by symbol.
    #[new]
    #[pyo3(signature = (equity, *, positions = BTreeMap::new(), values = BTreeMap::new(), working = BTreeMap::new()))]
    fn new<'py>(
        equity: &Bound<'py, PyAny>,
        positions: Amounts<'py>,
        values: Amounts<'py>,
        working: Amounts<'py>,
    ) -> PyResult<Self> {
        let view = AccountView {
            equity: amount(equity, Money::parse)?,
            positions: amounts(positions, SignedQuantity::parse)?,
            values: amounts(values, Money::parse)?,
            working: amounts(working, Money::parse)?,
            strategies: None,
        };
        Ok(Self { view })
    }
}

/// The gate: rules on every order, remembers what it approved, and can be halted.
#[pyclass(name = "RiskGate", module = "deepalpha._core", frozen)]
pub(crate) struct PyRiskGate {
    gate: Mutex<RiskGate>,
}

impl PyRiskGate {
    pub(crate) fn lock(&self) -> MutexGuard<'_, RiskGate> {
        // Whoever waits lets the interpreter go: rows are made under the lock, and a collection of garbage may run Python.
        Python::attach(|py| self.gate.lock_py_attached(py)).unwrap_or_else(PoisonError::into_inner)
    }
}

type Priced<'py> = Option<(Bound<'py, PyAny>, i64)>;
type Booked<'py> = Option<(Bound<'py, PyAny>, Bound<'py, PyAny>, i64)>;

fn market(last: Priced<'_>, book: Booked<'_>) -> PyResult<Market> {
    let quote = last
        .map(|(price, ts)| PyResult::Ok(Quote { price: amount(&price, Price::parse)?, ts_event: UtcNanos(ts) }))
        .transpose()?;
    let book = book
        .map(|(bid, ask, ts)| {
            let (bid, ask) = (amount(&bid, Price::parse)?, amount(&ask, Price::parse)?);
            PyResult::Ok(TopOfBook { bid, ask, ts_event: UtcNanos(ts) })
        })
        .transpose()?;
    Ok(Market { quote, book })
}

/// Every rule as `{"name", "rank", "tier", "unit", "holds", "default", "meaning", ...}`, in the order of evaluation.
#[pyfunction]
pub(crate) fn risk_rules(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    rules_table(py)
}

#[pymethods]
impl PyRiskGate {
    /// `bounds`: rule -> Decimal (shares, multiples, money) or int (counts, nanoseconds); None switches a rule off;
    /// rules that are not named keep their default.
    #[new]
    #[pyo3(signature = (bounds, *, allow_short = false, duplicate_window_ns = 1_000_000_000, strategies = None,
                        instruments = None, clusters = BTreeMap::new(), correlations = Vec::new(), scaling = None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of the table, by name")]
    fn new(
        bounds: &Bound<'_, PyDict>,
        allow_short: bool,
        duplicate_window_ns: i64,
        strategies: Option<&Bound<'_, PyDict>>,
        instruments: Option<&Bound<'_, PyDict>>,
        clusters: BTreeMap<String, String>,
        correlations: Vec<(String, String, Bound<'_, PyAny>)>,
        scaling: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut limits = limits_of(bounds, strategies, instruments, &clusters, &correlations, scaling)?;
        (limits.allow_short, limits.duplicate_window) = (allow_short, duplicate_window_ns.max(0));
        Ok(Self { gate: Mutex::new(RiskGate::new(limits)) })
    }

    /// Halt: nothing that opens risk passes until `rearm`. The event to write down, or None when it was halted.
    #[pyo3(signature = (reason, *, by = "operator", now = None))]
    fn kill<'py>(
        &self,
        py: Python<'py>,
        reason: &str,
        by: &str,
        now: Option<i64>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let mut gate = self.lock();
        let now = now.map_or_else(|| gate.snapshot().marked, UtcNanos);
        let moved = gate.halt(reason, by, now).is_some();
        let snapshot = gate.snapshot();
        moved.then(|| snapshot_row(py, &snapshot)).transpose()
    }

    /// A person takes the state back to active; losses are measured anew from the last equity.
    #[pyo3(signature = (*, by = "operator", now = None))]
    fn rearm<'py>(&self, py: Python<'py>, by: &str, now: Option<i64>) -> PyResult<Bound<'py, PyDict>> {
        let mut gate = self.lock();
        let now = now.map_or_else(|| gate.snapshot().marked, UtcNanos);
        gate.rearm_by(by, now).map_err(|error| raise(Kind::Order, error))?;
        snapshot_row(py, &gate.snapshot())
    }

    /// Why trading is halted, or None.
    #[getter]
    fn killed(&self) -> Option<String> {
        self.lock().killed().map(str::to_owned)
    }

    /// State, who, why, when and the equity measures: what must outlive the process.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        snapshot_row(py, &self.lock().snapshot())
    }

    /// After a restart: a snapshot as the log has it.
    fn restore(&self, snapshot: &Bound<'_, PyDict>) -> PyResult<()> {
        let snapshot = snapshot_of(snapshot)?;
        self.lock().restore(snapshot);
        Ok(())
    }

    /// Why the log cannot be written, or None when it can.
    fn set_io_trouble(&self, trouble: Option<String>) {
        self.lock().set_io_trouble(trouble);
    }

    /// After a restart: this order was approved in an earlier run.
    fn remember(&self, client_order_id: &str, decision_id: &str) -> PyResult<()> {
        let order = id(client_order_id, ClientOrderId::parse)?;
        self.lock().remember(order, id(decision_id, SourceId::parse)?);
        Ok(())
    }

    /// A cancel was asked for; counts for the cancel rate.
    fn note_cancel(&self, now: i64) {
        self.lock().note_cancel(UtcNanos(now));
    }

    /// A strategy closed a trade: profit after fees, and what the trade cost.
    fn note_trade(&self, strategy: &str, profit: &Bound<'_, PyAny>, cost: &Bound<'_, PyAny>) -> PyResult<()> {
        let strategy = id(strategy, StrategyId::parse)?;
        let (profit, cost) = (amount(profit, Money::parse)?, amount(cost, Money::parse)?);
        self.lock().note_trade(strategy, profit, cost);
        Ok(())
    }

    /// A person looked at a strategy: its row of losses begins anew.
    fn forgive_losses(&self, strategy: &str) {
        self.lock().forgive_losses(strategy);
    }

    /// The market's figures of an instrument; None is unknown.
    #[pyo3(signature = (symbol, *, daily_volume = None, volatility = None, correlation = None))]
    fn know(
        &self,
        symbol: &str,
        daily_volume: Option<Bound<'_, PyAny>>,
        volatility: Option<Bound<'_, PyAny>>,
        correlation: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let symbol = id(symbol, Symbol::parse)?;
        let volume = daily_volume.map(|value| amount(&value, Quantity::parse)).transpose()?;
        let volatility = volatility.map(|value| amount(&value, Ratio::parse)).transpose()?;
        let correlation = correlation.map(|value| amount(&value, Ratio::parse)).transpose()?;
        self.lock().know(symbol, volume, volatility, correlation);
        Ok(())
    }

    /// Equity after a bar; begins a new day when the UTC date of the bar's close is new. Events to write down.
    fn mark<'py>(&self, py: Python<'py>, ts_event: i64, equity: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let equity = amount(equity, Money::parse)?;
        let events = self.lock().mark(UtcNanos(ts_event), equity);
        event_rows(py, &events)
    }

    /// Warnings of every bound, as the account stands.
    fn observe<'py>(&self, py: Python<'py>, account: &PyAccountView, now: i64) -> PyResult<Bound<'py, PyList>> {
        let events = self.lock().observe(&account.view, UtcNanos(now));
        event_rows(py, &events.map_err(|error| raise(Kind::Order, error))?)
    }

    /// Use of every bound that warns.
    fn usage<'py>(&self, py: Python<'py>, account: &PyAccountView, now: i64) -> PyResult<Bound<'py, PyList>> {
        let found = self.lock().usage(&account.view, UtcNanos(now)).map_err(|error| raise(Kind::Order, error))?;
        usage_rows(py, &found)
    }

    /// Equity the day began with, as text; None before the first mark.
    #[getter]
    fn day_start(&self) -> Option<String> {
        self.lock().day_start().map(|equity| equity.to_string())
    }

    /// Evaluate every rule without remembering anything; the verdict as a dictionary.
    #[pyo3(signature = (order, *, instrument_of, account, last, now, book = None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of one question, by name")]
    fn preview<'py>(
        &self,
        py: Python<'py>,
        order: &Bound<'py, PyAny>,
        instrument_of: &Bound<'py, PyAny>,
        account: &PyAccountView,
        last: Priced<'py>,
        now: i64,
        book: Booked<'py>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (order, listed, market) = (request(order)?, instrument(instrument_of)?, market(last, book)?);
        let ruled = self.lock().preview(&order, &listed, &account.view, market, UtcNanos(now));
        verdict(py, &ruled.map_err(|error| raise(Kind::Order, error))?)
    }

    /// Rule on an order: `(verdict, Approved or None)`.
    #[pyo3(signature = (order, *, instrument_of, account, last, now, book = None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of one question, by name")]
    fn check<'py>(
        &self,
        py: Python<'py>,
        order: &Bound<'py, PyAny>,
        instrument_of: &Bound<'py, PyAny>,
        account: &PyAccountView,
        last: Priced<'py>,
        now: i64,
        book: Booked<'py>,
    ) -> PyResult<(Bound<'py, PyDict>, Option<PyApproved>)> {
        let (order, listed, market) = (request(order)?, instrument(instrument_of)?, market(last, book)?);
        let client_order_id = order.client_order_id;
        let ruled = self.lock().check(order, &listed, &account.view, market, UtcNanos(now));
        let (rows, outcome) = ruled.map_err(|error| raise(Kind::Order, error))?;
        let approved =
            outcome.ok().map(|approved| PyApproved { client_order_id, approved: Mutex::new(Some(approved)) });
        Ok((verdict(py, &rows)?, approved))
    }
}
