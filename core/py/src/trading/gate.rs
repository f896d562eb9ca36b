//! The risk gate for Python. `Approved` has no constructor: from Python it cannot be made, copied or pickled.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use deepalpha_engine::risk::{AccountView, Approved, Limits, Quote, RiskGate};
use deepalpha_engine::types::{
    AmountError, ClientOrderId, Money, Price, Ratio, SignedQuantity, SourceId, Symbol, UtcNanos,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::convert::{amount, id, instrument, request, verdict};
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
    fn lock(&self) -> MutexGuard<'_, RiskGate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn quote(given: Option<(Bound<'_, PyAny>, i64)>) -> PyResult<Option<Quote>> {
    given.map(|(price, ts)| Ok(Quote { price: amount(&price, Price::parse)?, ts_event: UtcNanos(ts) })).transpose()
}

#[pymethods]
impl PyRiskGate {
    #[new]
    #[pyo3(signature = (*, max_order_notional, max_trade_fraction, max_instrument_fraction, max_exposure, max_leverage,
                        max_daily_loss, price_band, max_data_age_ns, allow_short))]
    #[expect(clippy::too_many_arguments, reason = "the limits, by name")]
    fn new(
        max_order_notional: &Bound<'_, PyAny>,
        max_trade_fraction: &Bound<'_, PyAny>,
        max_instrument_fraction: &Bound<'_, PyAny>,
        max_exposure: &Bound<'_, PyAny>,
        max_leverage: &Bound<'_, PyAny>,
        max_daily_loss: &Bound<'_, PyAny>,
        price_band: &Bound<'_, PyAny>,
        max_data_age_ns: i64,
        allow_short: bool,
    ) -> PyResult<Self> {
        let limits = Limits {
            max_order_notional: amount(max_order_notional, Money::parse)?,
            max_trade_fraction: amount(max_trade_fraction, Ratio::parse)?,
            max_instrument_fraction: amount(max_instrument_fraction, Ratio::parse)?,
            max_exposure: amount(max_exposure, Ratio::parse)?,
            max_leverage: amount(max_leverage, Ratio::parse)?,
            max_daily_loss: amount(max_daily_loss, Ratio::parse)?,
            price_band: amount(price_band, Ratio::parse)?,
            max_data_age: max_data_age_ns,
            allow_short,
        };
        Ok(Self { gate: Mutex::new(RiskGate::new(limits)) })
    }

    /// Halt: nothing that opens risk passes until `rearm`.
    fn kill(&self, reason: &str) {
        self.lock().kill(reason);
    }

    /// Take the halt back.
    fn rearm(&self) {
        self.lock().rearm();
    }

    /// Why trading is halted, or None.
    #[getter]
    fn killed(&self) -> Option<String> {
        self.lock().killed().map(str::to_owned)
    }

    /// After a restart: this order was approved in an earlier run.
    fn remember(&self, client_order_id: &str, decision_id: &str) -> PyResult<()> {
        let order = id(client_order_id, ClientOrderId::parse)?;
        self.lock().remember(order, id(decision_id, SourceId::parse)?);
        Ok(())
    }

    /// Equity after a bar; begins a new day when the UTC date of the bar's close is new.
    fn mark(&self, ts_event: i64, equity: &Bound<'_, PyAny>) -> PyResult<()> {
        let equity = amount(equity, Money::parse)?;
        self.lock().mark(UtcNanos(ts_event), equity);
        Ok(())
    }

    /// Equity the day began with, as text; None before the first mark.
    #[getter]
    fn day_start(&self) -> Option<String> {
        self.lock().day_start().map(|equity| equity.to_string())
    }

    /// Evaluate every rule without remembering anything; the verdict as a dictionary.
    #[pyo3(signature = (order, *, instrument_of, account, last, now))]
    fn preview<'py>(
        &self,
        py: Python<'py>,
        order: &Bound<'py, PyAny>,
        instrument_of: &Bound<'py, PyAny>,
        account: &PyAccountView,
        last: Option<(Bound<'py, PyAny>, i64)>,
        now: i64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (order, listed, last) = (request(order)?, instrument(instrument_of)?, quote(last)?);
        let ruled = self.lock().preview(&order, &listed, &account.view, last, UtcNanos(now));
        verdict(py, &ruled.map_err(|error| raise(Kind::Order, error))?)
    }

    /// Rule on an order: `(verdict, Approved or None)`.
    #[pyo3(signature = (order, *, instrument_of, account, last, now))]
    fn check<'py>(
        &self,
        py: Python<'py>,
        order: &Bound<'py, PyAny>,
        instrument_of: &Bound<'py, PyAny>,
        account: &PyAccountView,
        last: Option<(Bound<'py, PyAny>, i64)>,
        now: i64,
    ) -> PyResult<(Bound<'py, PyDict>, Option<PyApproved>)> {
        let (order, listed, last) = (request(order)?, instrument(instrument_of)?, quote(last)?);
        let client_order_id = order.client_order_id;
        let ruled = self.lock().check(order, &listed, &account.view, last, UtcNanos(now));
        let (rows, outcome) = ruled.map_err(|error| raise(Kind::Order, error))?;
        let approved =
            outcome.ok().map(|approved| PyApproved { client_order_id, approved: Mutex::new(Some(approved)) });
        Ok((verdict(py, &rows)?, approved))
    }
}
