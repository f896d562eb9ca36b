//! The practice venue for Python.

use std::sync::{Mutex, MutexGuard, PoisonError};

use deepalpha_engine::matching::{Bar, FillRecord, OrderRecord, PracticeVenue, VenueConfig, VenueError};
use deepalpha_engine::orders::OrderState;
use deepalpha_engine::risk::Quote;
use deepalpha_engine::types::{ClientOrderId, Money, Price, Quantity, Ratio, SourceId, Symbol, TradeId, UtcNanos};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::convert::{amount, events, id, instrument, request, side};
use super::gate::{PyAccountView, PyApproved};
use crate::error::{Kind, raise};

/// The practice venue and its account; see `core/engine/src/matching` for the fill rule.
#[pyclass(name = "PracticeVenue", module = "deepalpha._core", frozen)]
pub(crate) struct PyPracticeVenue {
    venue: Mutex<PracticeVenue>,
}

fn map_error(error: VenueError) -> PyErr {
    match error {
        VenueError::BadBar { .. } | VenueError::UnknownSymbol { .. } => raise(Kind::MarketData, error),
        other => raise(Kind::Order, other),
    }
}

fn state_of(name: &str, filled: Quantity) -> PyResult<OrderState> {
    OrderState::parse(name, filled)
        .ok_or_else(|| raise(Kind::Order, format!("the log has an order state {name:?} that is not known")))
}

impl PyPracticeVenue {
    fn lock(&self) -> MutexGuard<'_, PracticeVenue> {
        self.venue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyPracticeVenue {
    #[new]
    #[pyo3(signature = (*, fee_rate, slippage, cash, instruments))]
    fn new(
        fee_rate: &Bound<'_, PyAny>,
        slippage: &Bound<'_, PyAny>,
        cash: &Bound<'_, PyAny>,
        instruments: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let config =
            VenueConfig { fee_rate: amount(fee_rate, Ratio::parse)?, slippage: amount(slippage, Ratio::parse)? };
        let instruments = instruments.iter().map(instrument).collect::<PyResult<Vec<_>>>()?;
        let venue = PracticeVenue::new(config, instruments, amount(cash, Money::parse)?);
        Ok(Self { venue: Mutex::new(venue) })
    }

    /// Take an approved order; `[(kind, fields), ...]`. An id that is known changes nothing.
    fn submit<'py>(&self, py: Python<'py>, approved: &PyApproved, now: i64) -> PyResult<Bound<'py, PyList>> {
        let made = self.lock().submit(approved.take()?, UtcNanos(now)).map_err(map_error)?;
        events(py, &made)
    }

    /// Take an order back.
    fn cancel<'py>(
        &self,
        py: Python<'py>,
        client_order_id: &str,
        now: i64,
        reason: &str,
    ) -> PyResult<Bound<'py, PyList>> {
        let made =
            self.lock().cancel(id(client_order_id, ClientOrderId::parse)?, UtcNanos(now), reason).map_err(map_error)?;
        events(py, &made)
    }

    /// Match one closed bar; prices are the floats of the data file, taken to the nearest 1e-8.
    #[expect(clippy::too_many_arguments, reason = "the fields of a bar")]
    fn on_bar<'py>(
        &self,
        py: Python<'py>,
        symbol: &str,
        ts_open: i64,
        ts_event: i64,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
    ) -> PyResult<Bound<'py, PyList>> {
        let price = |value: f64| {
            Price::from_f64(value)
                .map_err(|error| raise(Kind::MarketData, format!("bar of {symbol} ending {ts_event}: {error}")))
        };
        let bar = Bar {
            symbol: id(symbol, Symbol::parse)?,
            ts_open: UtcNanos(ts_open),
            ts_event: UtcNanos(ts_event),
            open: price(open)?,
            high: price(high)?,
            low: price(low)?,
            close: price(close)?,
        };
        let made = self.lock().on_bar(&bar).map_err(map_error)?;
        events(py, &made)
    }

    /// Totals of the account as decimal text.
    fn account<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let totals = self.lock().portfolio().totals().map_err(|error| raise(Kind::Order, error))?;
        let out = PyDict::new(py);
        out.set_item("cash", totals.cash.to_string())?;
        out.set_item("position_value", totals.position_value.to_string())?;
        out.set_item("equity", totals.equity.to_string())?;
        out.set_item("realised_pnl", totals.realised.to_string())?;
        out.set_item("unrealised_pnl", totals.unrealised.to_string())?;
        out.set_item("fees", totals.fees.to_string())?;
        Ok(out)
    }

    /// The account as the risk gate must see it, working orders included.
    fn account_view(&self) -> PyResult<PyAccountView> {
        Ok(PyAccountView { view: self.lock().account_view().map_err(map_error)? })
    }

    /// Open positions as rows that fit `deepalpha.types.Position`.
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let venue = self.lock();
        let out = PyList::empty(py);
        for (symbol, position) in venue.portfolio().positions() {
            if position.quantity.raw() == 0 {
                continue;
            }
            let unrealised = position.unrealised().map_err(|error| raise(Kind::Order, error))?;
            let (stop, target) = venue.protection(&symbol);
            let row = PyDict::new(py);
            row.set_item("symbol", symbol.as_str())?;
            row.set_item("position_id", position.position_id.as_str())?;
            row.set_item("quantity", position.quantity.to_string())?;
            row.set_item("average_price", position.average_price().to_string())?;
            row.set_item("cost", position.cost.to_string())?;
            row.set_item("last_price", position.last_price.to_string())?;
            row.set_item("unrealised_pnl", unrealised.to_string())?;
            row.set_item("stop_loss", stop.map(|price| price.to_string()))?;
            row.set_item("take_profit", target.map(|price| price.to_string()))?;
            out.append(row)?;
        }
        Ok(out)
    }

    /// Last price and its time, or None.
    fn quote(&self, symbol: &str) -> Option<(String, i64)> {
        self.lock().quote(symbol).map(|quote| (quote.price.to_string(), quote.ts_event.0))
    }

    /// State of an order, or None when the venue does not know it.
    fn order_state(&self, client_order_id: &str) -> Option<&'static str> {
        self.lock().order(client_order_id).map(|order| order.state.as_str())
    }

    /// Ids of working orders, oldest first.
    #[pyo3(signature = (*, protective = false))]
    fn working(&self, protective: bool) -> Vec<String> {
        self.lock().working(protective).iter().map(ToString::to_string).collect()
    }

    /// After a restart: the last price of a symbol.
    fn mark(&self, symbol: &str, price: &Bound<'_, PyAny>, ts_event: i64) -> PyResult<()> {
        let quote = Quote { price: amount(price, Price::parse)?, ts_event: UtcNanos(ts_event) };
        self.lock().mark(id(symbol, Symbol::parse)?, quote);
        Ok(())
    }

    /// After a restart: an order as the log has it.
    #[pyo3(signature = (order, *, state, seq, fills, filled, ts_accepted, rank, protective))]
    #[expect(clippy::too_many_arguments, reason = "the columns of the log")]
    fn restore_order(
        &self,
        order: &Bound<'_, PyAny>,
        state: &str,
        seq: u32,
        fills: u32,
        filled: &Bound<'_, PyAny>,
        ts_accepted: i64,
        rank: u64,
        protective: bool,
    ) -> PyResult<()> {
        let (request, state) = (request(order)?, state_of(state, amount(filled, Quantity::parse)?)?);
        let ts_accepted = UtcNanos(ts_accepted);
        self.lock().restore_order(OrderRecord { request, state, seq, fills, ts_accepted, rank, protective });
        Ok(())
    }

    /// After a restart: a fill as the log has it; the realised profit must come out as it was logged.
    fn restore_fill(&self, fill: &Bound<'_, PyAny>) -> PyResult<()> {
        let text = |name: &str| -> PyResult<String> { fill.getattr(name)?.str()?.extract() };
        let logged = amount(&fill.getattr("realised_pnl")?, Money::parse)?;
        let record = FillRecord {
            fill_id: id(&text("fill_id")?, TradeId::parse)?,
            client_order_id: id(&text("client_order_id")?, ClientOrderId::parse)?,
            decision_id: id(&text("decision_id")?, SourceId::parse)?,
            symbol: id(&text("symbol")?, Symbol::parse)?,
            side: side(&text("side")?)?,
            quantity: amount(&fill.getattr("quantity")?, Quantity::parse)?,
            price: amount(&fill.getattr("price")?, Price::parse)?,
            fee: amount(&fill.getattr("fee")?, Money::parse)?,
            realised: logged,
            ts_event: UtcNanos(fill.getattr("ts_event")?.extract()?),
            reason: "restored",
        };
        let realised = self.lock().restore_fill(&record).map_err(map_error)?;
        if realised != logged {
            let id = record.fill_id;
            return Err(raise(
                Kind::Store,
                format!("fill {id} realises {realised} but the log says {logged}; run `deepalpha store check`"),
            ));
        }
        Ok(())
    }
}
