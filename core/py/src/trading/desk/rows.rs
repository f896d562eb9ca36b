//! Columns and facts of the desk as Python lists and dictionaries.

use deepalpha_engine::desk::{
    DeskError, DeskEvent, Durability, EndRule, EventBatch, ExecutionDesk, LatencyByDurability, LatencySummary,
    ParentRequest, Pov, Schedule, Settled, Submitted, Twap, Vwap,
};
use deepalpha_engine::matching::{FillRecord, OrderRecord};
use deepalpha_engine::orders::OrderRequest;
use deepalpha_engine::portfolio::{AccountTotals, MarkPrice, PortfolioError, PositionSide};
use deepalpha_engine::risk::RiskEvent;
use deepalpha_engine::types::{
    ClientOrderId, Currency, Money, Price, Quantity, Ratio, SourceId, StrategyId, Symbol, TradeId, UtcNanos,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::super::convert::{amount, attached, fill as fill_row, id, position_side, side, step};
use super::order::{parse, value};
use crate::error::{Kind, raise};

type Dicts<'py> = Vec<(&'static str, Bound<'py, PyDict>)>;
/// Number of the first event, events missed before it, events.
pub(super) type Batch<'py> = (u64, u64, Dicts<'py>);

/// One dictionary of columns as one request a row. A bad row names itself, and nothing is sent.
pub(super) fn requests(columns: &Bound<'_, PyDict>) -> PyResult<Vec<OrderRequest>> {
    let py = columns.py();
    let mut lists = Vec::with_capacity(columns.len());
    let mut length = None;
    for (name, list) in columns.iter() {
        let list = list.cast_into::<PyList>().map_err(PyErr::from)?;
        if *length.get_or_insert(list.len()) != list.len() {
            let message = format!("column {name} has {} rows, another has {}", list.len(), length.unwrap_or(0));
            return Err(raise(Kind::Order, message));
        }
        lists.push((name, list));
    }
    let row = PyDict::new(py);
    (0..length.unwrap_or(0))
        .map(|index| {
            for (name, list) in &lists {
                row.set_item(name, list.get_item(index)?)?;
            }
            parse(&row).map_err(|error| {
                let text = error.value(py).to_string();
                if error.is_instance_of::<pyo3::exceptions::PyValueError>(py) {
                    raise(Kind::Order, format!("row {index}: {text}; nothing was sent"))
                } else {
                    error
                }
            })
        })
        .collect()
}

/// What became of a batch, as columns.
pub(super) fn answers<'py>(
    py: Python<'py>,
    requests: &[OrderRequest],
    answers: Vec<Result<Submitted, DeskError>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (ids, states) = (PyList::empty(py), PyList::empty(py));
    let (rules, reasons) = (PyList::empty(py), PyList::empty(py));
    for (request, answer) in requests.iter().zip(answers) {
        ids.append(request.client_order_id.as_str())?;
        let (state, rule, reason) = match answer {
            Ok(Submitted::Sent(state)) => (state.as_str(), "", String::new()),
            Ok(Submitted::Waiting { .. }) => ("waiting", "", String::new()),
            Err(DeskError::Refused(refused)) => ("refused", refused.rule.name, refused.to_string()),
            Err(other) => ("refused", "", other.to_string()),
        };
        states.append(state)?;
        rules.append(rule)?;
        reasons.append(reason)?;
    }
    let out = PyDict::new(py);
    out.set_item("client_order_id", ids)?;
    out.set_item("state", states)?;
    out.set_item("rule", rules)?;
    out.set_item("reason", reasons)?;
    Ok(out)
}

pub(super) fn batch(py: Python<'_>, batch: EventBatch) -> PyResult<Batch<'_>> {
    let events = batch.events.iter().map(|event| fact(py, event)).collect::<PyResult<Dicts<'_>>>()?;
    Ok((batch.first, batch.missed, events))
}

fn fact<'py>(py: Python<'py>, event: &DeskEvent) -> PyResult<(&'static str, Bound<'py, PyDict>)> {
    Ok(match event {
        DeskEvent::Intent(request) => ("intent", attached(py, request)?),
        DeskEvent::Attached(request) => ("attached", attached(py, request)?),
        DeskEvent::Step(taken) => ("step", step(py, taken)?),
        DeskEvent::Fill(record) => ("fill", fill_row(py, record)?),
        DeskEvent::Refused { client_order_id, ts_event, refused } => {
            let out = PyDict::new(py);
            out.set_item("client_order_id", client_order_id.as_str())?;
            out.set_item("rule", refused.rule.name)?;
            out.set_item("value", refused.value())?;
            out.set_item("bound", refused.bound())?;
            out.set_item("ts_event", ts_event.0)?;
            ("refused", out)
        }
        DeskEvent::Settled(event) => ("settled", settled(py, event)?),
        DeskEvent::Risk(event) => {
            let out = PyDict::new(py);
            match event.as_ref() {
                RiskEvent::State(snapshot) => {
                    out.set_item("state", snapshot.state.state.as_str())?;
                    out.set_item("reason", &snapshot.state.reason)?;
                    out.set_item("by", &snapshot.state.by)?;
                }
                RiskEvent::Warning(warning) => {
                    out.set_item("state", "warning")?;
                    out.set_item("reason", format!("{} is at {} % of its bound", warning.rule, warning.level))?;
                    out.set_item("by", "risk")?;
                }
            }
            ("risk", out)
        }
    })
}

pub(super) fn orders<'py>(py: Python<'py>, records: &[&OrderRecord]) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for record in records {
        let row = attached(py, &record.request)?;
        row.set_item("state", record.state.as_str())?;
        row.set_item("filled_quantity", record.state.filled().to_string())?;
        row.set_item("protective", record.protective)?;
        out.append(row)?;
    }
    Ok(out)
}

pub(super) fn parents<'py>(py: Python<'py>, desk: &ExecutionDesk) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for parent in desk.parents() {
        let row = PyDict::new(py);
        row.set_item("client_order_id", parent.request().id.as_str())?;
        row.set_item("symbol", parent.request().instrument.symbol.as_str())?;
        row.set_item("side", parent.request().side.as_str())?;
        row.set_item("quantity", parent.request().quantity.to_string())?;
        row.set_item("filled_quantity", parent.filled().to_string())?;
        row.set_item("working_quantity", parent.working().to_string())?;
        row.set_item("slices", parent.slices())?;
        row.set_item("state", parent.state().as_str())?;
        out.append(row)?;
    }
    Ok(out)
}

pub(super) fn positions<'py>(py: Python<'py>, desk: &ExecutionDesk) -> Result<PyResult<Bound<'py, PyList>>, DeskError> {
    let portfolio = desk.portfolio()?;
    let show = |error: PortfolioError| raise(Kind::Order, error);
    let rows = || -> PyResult<Bound<'py, PyList>> {
        let out = PyList::empty(py);
        for (index, leg, position) in portfolio.legs().filter(|(.., position)| position.quantity.raw() != 0) {
            let row = PyDict::new(py);
            row.set_item("symbol", portfolio.instrument(index).map(|listed| listed.symbol.as_str().to_owned()))?;
            row.set_item("position_id", position.position_id.as_str())?;
            row.set_item("position_side", leg.as_str())?;
            row.set_item("quantity", position.quantity.to_string())?;
            row.set_item("average_price", position.average_price().to_string())?;
            row.set_item("cost", position.cost.to_string())?;
            row.set_item("last_price", position.last_price.to_string())?;
            row.set_item("margin", position.margin.to_string())?;
            let closes_at = portfolio.liquidation_price(index, leg).map_err(show)?;
            row.set_item("liquidation_price", closes_at.map(|price| price.to_string()))?;
            let open = position.unrealised().map_err(|error| raise(Kind::Order, error))?;
            row.set_item("unrealised_pnl", open.to_string())?;
            out.append(row)?;
        }
        Ok(out)
    };
    Ok(rows())
}

/// What backs the positions, and what moved the account beside trades.
pub(super) fn margin<'py>(py: Python<'py>, desk: &ExecutionDesk) -> Result<PyResult<Bound<'py, PyDict>>, DeskError> {
    let (figures, totals) = (desk.portfolio()?.margin_figures()?, desk.totals()?);
    let row = || -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        let amounts = [
            ("equity", figures.equity),
            ("used", figures.used),
            ("locked", figures.locked),
            ("free", figures.free),
            ("maintenance", figures.maintenance),
            ("funding", totals.funding),
            ("deficit", totals.deficit),
        ];
        for (name, money) in amounts {
            out.set_item(name, money.to_string())?;
        }
        out.set_item("level", figures.level.map(|level| level.to_string()))?;
        Ok(out)
    };
    Ok(row())
}

/// What a settlement did, as the fields of `deepalpha.execution.Settlement`.
pub(super) fn settled<'py>(py: Python<'py>, event: &Settled) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("kind", event.as_str())?;
    match event {
        Settled::Funding { instrument: symbol, leg, amount } => {
            out.set_item("symbol", symbol.as_str())?;
            out.set_item("position_side", leg.as_str())?;
            out.set_item("amount", amount.to_string())?;
        }
        Settled::MarginCall { equity, maintenance, call_at } => {
            out.set_item("equity", equity.to_string())?;
            out.set_item("maintenance", maintenance.to_string())?;
            out.set_item("call_at", call_at.to_string())?;
        }
        Settled::Liquidated { instrument: symbol, leg, side, quantity, price, realised, fee } => {
            out.set_item("symbol", symbol.as_str())?;
            out.set_item("position_side", leg.as_str())?;
            out.set_item("side", side.as_str())?;
            out.set_item("quantity", quantity.to_string())?;
            out.set_item("price", price.to_string())?;
            out.set_item("amount", realised.to_string())?;
            out.set_item("fee", fee.to_string())?;
        }
        Settled::Deficit { currency, amount } => {
            out.set_item("currency", currency.as_str())?;
            out.set_item("amount", amount.to_string())?;
        }
        Settled::Marked(MarkPrice { instrument, price }) => {
            out.set_item("symbol", instrument.as_str())?;
            out.set_item("price", price.to_string())?;
        }
        Settled::TradingDay => {}
    }
    Ok(out)
}

/// The other way round, from the log.
pub(super) fn settlement(given: &Bound<'_, PyDict>) -> PyResult<Settled> {
    let need = |name: &str| {
        given.get_item(name)?.ok_or_else(|| raise(Kind::Store, format!("a settlement of the log has no {name}")))
    };
    let text = |name: &str| -> PyResult<String> { need(name)?.extract() };
    let money = |name: &str| need(name).and_then(|value| amount(&value, Money::parse));
    let leg = || position_side(&text("position_side")?);
    let symbol = || id(&text("symbol")?, Symbol::parse);
    Ok(match text("kind")?.as_str() {
        "funding" => Settled::Funding { instrument: symbol()?, leg: leg()?, amount: money("amount")? },
        "marked" => Settled::Marked(MarkPrice { instrument: symbol()?, price: amount(&need("price")?, Price::parse)? }),
        "margin_call" => Settled::MarginCall {
            equity: money("equity")?,
            maintenance: money("maintenance")?,
            call_at: money("call_at")?,
        },
        "liquidated" => Settled::Liquidated {
            instrument: symbol()?,
            leg: leg()?,
            side: side(&text("side")?)?,
            quantity: amount(&need("quantity")?, Quantity::parse)?,
            price: amount(&need("price")?, Price::parse)?,
            realised: money("amount")?,
            fee: money("fee")?,
        },
        "deficit" => Settled::Deficit { currency: id(&text("currency")?, Currency::parse)?, amount: money("amount")? },
        "trading_day" => Settled::TradingDay,
        other => return Err(raise(Kind::Store, format!("the log has a settlement of kind {other:?}"))),
    })
}

pub(super) fn account<'py>(py: Python<'py>, totals: &AccountTotals, now: i64) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("ts_event", now)?;
    out.set_item("cash", totals.cash.to_string())?;
    out.set_item("position_value", totals.position_value.to_string())?;
    out.set_item("equity", totals.equity.to_string())?;
    out.set_item("realised_pnl", totals.realised.to_string())?;
    out.set_item("unrealised_pnl", totals.unrealised.to_string())?;
    out.set_item("fees", totals.fees.to_string())?;
    Ok(out)
}

fn summary<'py>(py: Python<'py>, summary: LatencySummary) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("count", summary.count)?;
    out.set_item("mean_ns", summary.mean)?;
    out.set_item("p50_ns", summary.p50)?;
    out.set_item("p90_ns", summary.p90)?;
    out.set_item("p99_ns", summary.p99)?;
    out.set_item("p99_9_ns", summary.p99_9)?;
    out.set_item("max_ns", summary.max)?;
    Ok(out)
}

pub(super) fn stats<'py>(
    py: Python<'py>,
    desk: &ExecutionDesk,
    latency: &LatencyByDurability,
) -> PyResult<Bound<'py, PyDict>> {
    let counts = desk.counts();
    let out = PyDict::new(py);
    let numbers = [
        ("submitted", counts.submitted),
        ("approved", counts.approved),
        ("refused", counts.refused),
        ("turned_away", counts.turned_away),
        ("waited", counts.waited),
        ("rejected", counts.rejected),
        ("cancels", counts.cancels),
        ("amends", counts.amends),
        ("cancelled", counts.cancelled),
        ("expired", counts.expired),
        ("filled", counts.filled),
        ("fills", counts.fills),
        ("events", desk.events().next_number() - 1),
        ("events_dropped", desk.events().dropped()),
        ("waiting", desk.waiting() as u64),
        ("cancels_on_credit", desk.throttle_counts().on_credit),
    ];
    for (name, number) in numbers {
        out.set_item(name, number)?;
    }
    out.set_item("all", summary(py, latency.together().summary())?)?;
    for level in Durability::ALL {
        out.set_item(level.as_str(), summary(py, latency.of(level).summary())?)?;
    }
    Ok(out)
}

/// A fill of the log, with the leg and the strategy of its order.
pub(super) fn fill(given: &Bound<'_, PyDict>) -> PyResult<(FillRecord, PositionSide, StrategyId)> {
    let need = |name: &str| {
        given.get_item(name)?.ok_or_else(|| raise(Kind::Store, format!("a fill of the log has no {name}")))
    };
    let text = |name: &str| -> PyResult<String> { need(name)?.extract() };
    let strategy = text("strategy")?;
    let record = FillRecord {
        fill_id: id(&text("fill_id")?, TradeId::parse)?,
        client_order_id: id(&text("client_order_id")?, ClientOrderId::parse)?,
        decision_id: id(&text("decision_id")?, SourceId::parse)?,
        symbol: id(&text("symbol")?, Symbol::parse)?,
        side: side(&text("side")?)?,
        quantity: amount(&need("quantity")?, Quantity::parse)?,
        price: amount(&need("price")?, Price::parse)?,
        fee: amount(&need("fee")?, Money::parse)?,
        realised: amount(&need("realised_pnl")?, Money::parse)?,
        ts_event: UtcNanos(need("ts_event")?.extract()?),
        reason: "",
    };
    let strategy = if strategy.is_empty() { StrategyId::EMPTY } else { id(&strategy, StrategyId::parse)? };
    Ok((record, position_side(&text("position_side")?)?, strategy))
}

/// The terms of a parent; times are UTC ns.
pub(super) fn parent(
    terms: &Bound<'_, PyDict>,
    name: ClientOrderId,
    now: UtcNanos,
    desk: &ExecutionDesk,
) -> PyResult<ParentRequest> {
    let get = |key: &str| terms.get_item(key).map(|given| given.filter(|given| !given.is_none()));
    let need = |key: &str| get(key)?.ok_or_else(|| raise(Kind::Order, format!("a parent order needs {key}")));
    let quantity = |key: &str, given: &Bound<'_, PyAny>| value(key, given, Quantity::parse, Quantity::from_raw);
    let bad = |error| raise(Kind::Order, error);
    let symbol = id(&need("symbol")?.extract::<String>()?, Symbol::parse)?;
    let instrument = desk.instrument(&symbol).copied().ok_or_else(|| {
        raise(Kind::MarketData, format!("{symbol} is not listed here; give it to the engine's instruments first"))
    })?;
    let algorithm: String = need("algorithm")?.extract()?;
    let schedule = match algorithm.as_str() {
        "twap" => Schedule::Twap(Twap { slices: need("slices")?.extract()? }),
        "vwap" => {
            let profile: Vec<u64> = need("profile")?.extract()?;
            let slices = get("slices_per_bin")?.map_or(Ok(1), |given| given.extract())?;
            Schedule::Vwap(Vwap::new(&profile, slices).map_err(|error| bad(error.to_string()))?)
        }
        "pov" => Schedule::Pov(Pov {
            rate: value("rate", &need("rate")?, Ratio::parse, Ratio::from_raw)?,
            interval: need("interval_ns")?.extract()?,
            cap: get("cap")?.map(|given| quantity("cap", &given)).transpose()?,
        }),
        other => return Err(bad(format!("algorithm {other:?} is not twap, vwap or pov"))),
    };
    let start = get("start")?.map_or(Ok(now.0), |given| given.extract())?;
    let end = match get("end")? {
        Some(end) => end.extract()?,
        None => i64::saturating_add(start, need("duration_ns")?.extract()?),
    };
    let at_end = get("at_end")?.map_or_else(|| Ok("cancel".to_owned()), |given| given.extract::<String>())?;
    Ok(ParentRequest {
        id: name,
        instrument,
        side: side(&need("side")?.extract::<String>()?)?,
        quantity: quantity("quantity", &need("quantity")?)?,
        limit: get("limit_price")?
            .map(|given| value("limit_price", &given, Price::parse, Price::from_raw))
            .transpose()?,
        start: UtcNanos(start),
        end: UtcNanos(end),
        minimum: get("minimum")?.map_or(Ok(Quantity::ZERO), |given| quantity("minimum", &given))?,
        schedule,
        at_end: match at_end.as_str() {
            "cross" => EndRule::Cross,
            "cancel" => EndRule::CancelRest,
            other => return Err(bad(format!("at_end {other:?} is not cancel or cross"))),
        },
    })
}
