//! The practice venue for Python.

use std::sync::{Mutex, MutexGuard, PoisonError};

use deepalpha_engine::matching::{
    Amendment, Bar, Charges, FeeModel, FeeTier, FillRecord, OrderRecord, PracticeVenue, RestoredOrder, SlippageModel,
    VenueConfig, VenueError,
};
use deepalpha_engine::orders::OrderState;
use deepalpha_engine::risk::{Goal, Quote};
use deepalpha_engine::types::{
    ClientOrderId, Currency, Instrument, Money, Price, Quantity, Ratio, SourceId, Symbol, TradeId, UtcNanos,
};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyList};

use super::convert::{amount, attached, events, id, instrument, request, side};
use super::gate::{PyAccountView, PyApproved, PyRiskGate};
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

fn state_of(name: &str) -> PyResult<OrderState> {
    OrderState::parse(name, Quantity::ZERO)
        .ok_or_else(|| raise(Kind::Order, format!("the log has an order state {name:?} that is not known")))
}

/// The volume of a data file; more than an amount can hold counts as the most it can.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked before the cast")]
fn traded(symbol: &str, ts_event: i64, volume: f64) -> PyResult<Quantity> {
    if volume.is_nan() || volume < 0.0 {
        let problem = format!("bar of {symbol} ending {ts_event}: volume {volume} is not 0 or more; check the data");
        return Err(raise(Kind::MarketData, problem));
    }
    let raw = (volume * 1e8).round_ties_even();
    Ok(Quantity::from_raw(if raw < 9.2e18 { raw as i64 } else { i64::MAX }))
}

impl PyPracticeVenue {
    fn lock(&self) -> MutexGuard<'_, PracticeVenue> {
        // Whoever waits lets the interpreter go: rows are made under the lock, and a collection of garbage may run Python.
        Python::attach(|py| self.venue.lock_py_attached(py)).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Thirty-day volume from which it holds, maker rate, taker rate.
/// What the practice account can hold; it has one currency, whatever the instruments call it.
fn paid_in_full(given: &Bound<'_, PyAny>) -> PyResult<Instrument> {
    let listed = instrument(given)?;
    if !listed.kind.exchanges_notional() {
        let (symbol, kind) = (listed.symbol, listed.kind.as_str());
        let way_out = "trade it with da.ExecutionEngine(account_kind=\"futures\")";
        return Err(raise(
            Kind::Order,
            format!("{symbol} is a {kind} and the practice account pays in full; {way_out}"),
        ));
    }
    if listed.t_plus_one {
        let (symbol, way_out) = (listed.symbol, "trade it with da.ExecutionEngine and start_trading_day()");
        return Err(raise(
            Kind::Order,
            format!("{symbol} is T+1 and the practice venue has no trading days; {way_out}"),
        ));
    }
    Ok(Instrument { currency: Currency::EMPTY, base: None, ..listed })
}

type Tier<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

#[pymethods]
impl PyPracticeVenue {
    /// Fees are one of: `fee_rate`; `maker_rate` with `taker_rate`; `fee_tiers`, rows of (30-day volume from which the
    /// tier holds, maker rate, taker rate); `fee_per_share` with `fee_minimum` and `fee_maximum` (share of the notional);
    /// `fee_per_order`. Slippage is one of: `slippage` (share of the price, with `impact` growing by the share of the
    /// bar's volume) or `slippage_ticks`. `max_participation` is the share of a bar's volume that its fills may take.
    #[new]
    #[pyo3(signature = (*, cash, instruments, fee_rate = None, maker_rate = None, taker_rate = None, fee_tiers = None,
        fee_per_share = None, fee_minimum = None, fee_maximum = None, fee_per_order = None, slippage = None,
        slippage_ticks = None, impact = None, max_participation = None))]
    #[expect(clippy::too_many_arguments, reason = "the settings of a venue, by keyword")]
    fn new(
        cash: &Bound<'_, PyAny>,
        instruments: Vec<Bound<'_, PyAny>>,
        fee_rate: Option<Bound<'_, PyAny>>,
        maker_rate: Option<Bound<'_, PyAny>>,
        taker_rate: Option<Bound<'_, PyAny>>,
        fee_tiers: Option<Vec<Tier<'_>>>,
        fee_per_share: Option<Bound<'_, PyAny>>,
        fee_minimum: Option<Bound<'_, PyAny>>,
        fee_maximum: Option<Bound<'_, PyAny>>,
        fee_per_order: Option<Bound<'_, PyAny>>,
        slippage: Option<Bound<'_, PyAny>>,
        slippage_ticks: Option<u32>,
        impact: Option<Bound<'_, PyAny>>,
        max_participation: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let ratio = |value: &Bound<'_, PyAny>| amount(value, Ratio::parse);
        let money = |value: &Bound<'_, PyAny>| amount(value, Money::parse);
        let fees = match (
            fee_rate,
            maker_rate,
            taker_rate,
            fee_tiers,
            fee_per_share,
            fee_minimum,
            fee_maximum,
            fee_per_order,
        ) {
            (Some(rate), None, None, None, None, None, None, None) => FeeModel::flat(ratio(&rate)?),
            (None, Some(maker), Some(taker), None, None, None, None, None) => {
                FeeModel::Flat { maker: ratio(&maker)?, taker: ratio(&taker)? }
            }
            (None, None, None, Some(tiers), None, None, None, None) => {
                let tier = |(volume, maker, taker): &Tier<'_>| {
                    Ok(FeeTier { from_volume: money(volume)?, maker: ratio(maker)?, taker: ratio(taker)? })
                };
                FeeModel::Tiered(tiers.iter().map(tier).collect::<PyResult<_>>()?)
            }
            (None, None, None, None, Some(rate), Some(minimum), Some(maximum), None) => {
                FeeModel::PerShare { rate: money(&rate)?, minimum: money(&minimum)?, maximum: ratio(&maximum)? }
            }
            (None, None, None, None, None, None, None, Some(fee)) => FeeModel::PerOrder(money(&fee)?),
            _ => {
                return Err(raise(
                    Kind::Order,
                    "a venue needs exactly one of fee_rate, maker_rate with taker_rate, fee_tiers, fee_per_share with \
                     fee_minimum and fee_maximum, or fee_per_order",
                ));
            }
        };
        let slippage = match (slippage, slippage_ticks, impact) {
            (Some(share), None, None) => SlippageModel::Ratio(ratio(&share)?),
            (None, Some(ticks), None) => SlippageModel::Ticks(ticks),
            (Some(base), None, Some(impact)) => {
                SlippageModel::VolumeImpact { base: ratio(&base)?, impact: ratio(&impact)? }
            }
            _ => {
                let needed = "a venue needs exactly one of slippage (with or without impact) or slippage_ticks";
                return Err(raise(Kind::Order, needed));
            }
        };
        let max_participation = max_participation.as_ref().map(ratio).transpose()?;
        let config = VenueConfig { fees, slippage, max_participation };
        let instruments = instruments.iter().map(paid_in_full).collect::<PyResult<Vec<_>>>()?;
        let venue = PracticeVenue::new(config, instruments, money(cash)?).map_err(map_error)?;
        Ok(Self { venue: Mutex::new(venue) })
    }

    /// Take an approved order; `[(kind, fields), ...]`. An id that is known changes nothing.
    fn submit<'py>(&self, py: Python<'py>, approved: &PyApproved, now: i64) -> PyResult<Bound<'py, PyList>> {
        let made = self.lock().submit(approved.take()?, UtcNanos(now)).map_err(map_error)?;
        events(py, &made)
    }

    /// Check an order without a market: steps, signs, combinations, expiry, what this venue takes.
    fn validate(&self, order: &Bound<'_, PyAny>, now: i64) -> PyResult<()> {
        let order = request(order)?;
        self.lock().validate(&order, UtcNanos(now)).map_err(map_error)
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

    /// Change a working order; what is None stays.
    #[pyo3(signature = (client_order_id, now, *, quantity = None, limit_price = None, trigger_price = None))]
    fn amend<'py>(
        &self,
        py: Python<'py>,
        client_order_id: &str,
        now: i64,
        quantity: Option<Bound<'py, PyAny>>,
        limit_price: Option<Bound<'py, PyAny>>,
        trigger_price: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let price = |value: &Bound<'py, PyAny>| amount(value, Price::parse);
        let change = Amendment {
            quantity: quantity.as_ref().map(|value| amount(value, Quantity::parse)).transpose()?,
            limit: limit_price.as_ref().map(price).transpose()?,
            trigger: trigger_price.as_ref().map(price).transpose()?,
        };
        let order = id(client_order_id, ClientOrderId::parse)?;
        let made = self.lock().amend(order, change, UtcNanos(now)).map_err(map_error)?;
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
        volume: f64,
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
            volume: traded(symbol, ts_event, volume)?,
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

    /// Orders that bring the account back within the gate's bounds (`flat`: to no position), first one first, as
    /// `(fields of an OrderRequest, rule, value to take off)`; ids are `<source>-R1`, `-R2` ...
    fn reduction_plan<'py>(
        &self,
        py: Python<'py>,
        gate: &PyRiskGate,
        flat: bool,
        decision_id: &str,
        source: &str,
    ) -> PyResult<Vec<(Bound<'py, PyDict>, &'static str, String)>> {
        let held = self.lock().holdings().map_err(map_error)?;
        let goal = if flat { Goal::Flat } else { Goal::Bounds };
        let (decision, source) = (id(decision_id, SourceId::parse)?, id(source, ClientOrderId::parse)?);
        let plan = gate.lock().reduction_plan(&held, goal, decision, source);
        let plan = plan.map_err(|error| raise(Kind::Order, error))?;
        plan.iter().map(|step| Ok((attached(py, &step.request)?, step.rule, step.excess.to_string()))).collect()
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
        self.lock().order_state(client_order_id).map(|state| state.as_str())
    }

    /// Ids of working orders, oldest first.
    #[pyo3(signature = (*, protective = false))]
    fn working(&self, protective: bool) -> Vec<String> {
        self.lock().working(protective).iter().map(ToString::to_string).collect()
    }

    /// Best price and level of a sleeping trailing stop, or None.
    fn trail(&self, client_order_id: &str) -> Option<(String, String)> {
        self.lock().trail(client_order_id).map(|state| (state.best.to_string(), state.level.to_string()))
    }

    /// One number for the whole state of the venue.
    fn state_hash(&self) -> u64 {
        self.lock().state_hash()
    }

    /// After a restart: the last price of a symbol, and when its bar began.
    #[pyo3(signature = (symbol, price, ts_event, ts_open = None))]
    fn mark(&self, symbol: &str, price: &Bound<'_, PyAny>, ts_event: i64, ts_open: Option<i64>) -> PyResult<()> {
        let quote = Quote { price: amount(price, Price::parse)?, ts_event: UtcNanos(ts_event) };
        self.lock().mark(id(symbol, Symbol::parse)?, quote, ts_open.map(UtcNanos));
        Ok(())
    }

    /// After a restart: an order as the log has it, with the terms it was amended to.
    #[pyo3(signature = (order, *, state, seq, fills, ts_accepted, eligible_from, rank, protective, triggered = false,
        best = None))]
    #[expect(clippy::too_many_arguments, reason = "the columns of the log")]
    fn restore_order(
        &self,
        order: &Bound<'_, PyAny>,
        state: &str,
        seq: u32,
        fills: u32,
        ts_accepted: i64,
        eligible_from: i64,
        rank: u64,
        protective: bool,
        triggered: bool,
        best: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (request, state) = (request(order)?, state_of(state)?);
        let (ts_accepted, eligible_from) = (UtcNanos(ts_accepted), UtcNanos(eligible_from));
        let charges = Charges::default();
        let record = OrderRecord {
            request,
            state,
            seq,
            fills,
            ts_accepted,
            eligible_from,
            rank,
            protective,
            triggered,
            charges,
        };
        let best = best.as_ref().map(|value| amount(value, Price::parse)).transpose()?;
        self.lock().restore_order(RestoredOrder { record, best }).map_err(map_error)
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
