//! `deepalpha.types` facts to core types and back.

use deepalpha_engine::matching::{FillRecord, OrderStep, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::risk::Verdict;
use deepalpha_engine::types::{AmountError, Instrument, Price, Quantity, Side};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::error::{Kind, raise};

/// Parse an amount given as `Decimal` or `str`; floats are refused by their type, `nan` and `1E+3` by the parser.
pub(crate) fn amount<T>(value: &Bound<'_, PyAny>, parse: impl Fn(&str) -> Result<T, AmountError>) -> PyResult<T> {
    let type_name = value.get_type().name()?.to_string();
    if !matches!(type_name.as_str(), "Decimal" | "str" | "int") {
        return Err(raise(Kind::Order, format!("an amount must be a Decimal or a decimal string, not {type_name}")));
    }
    // `format(value, "f")` writes a Decimal without an exponent.
    let text: String = if type_name == "Decimal" {
        value.call_method1("__format__", ("f",))?.extract()?
    } else {
        value.str()?.extract()?
    };
    parse(&text).map_err(|error| raise(Kind::Order, error))
}

fn optional<T>(value: &Bound<'_, PyAny>, parse: impl Fn(&str) -> Result<T, AmountError>) -> PyResult<Option<T>> {
    if value.is_none() { Ok(None) } else { amount(value, parse).map(Some) }
}

pub(crate) fn side(text: &str) -> PyResult<Side> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        other => Err(raise(Kind::Order, format!("side {other:?} is not buy or sell"))),
    }
}

pub(crate) fn order_type(text: &str, price: Option<Price>) -> PyResult<OrderType> {
    match (text, price) {
        ("market", _) => Ok(OrderType::Market),
        ("limit", Some(price)) => Ok(OrderType::Limit(price)),
        ("stop", Some(price)) => Ok(OrderType::Stop(price)),
        ("limit" | "stop", None) => Err(raise(Kind::Order, format!("a {text} order needs a price"))),
        (other, _) => Err(raise(Kind::Order, format!("order type {other:?} is not market, limit or stop"))),
    }
}

/// A `deepalpha.types.OrderRequest`, by its attributes.
pub(crate) fn request(order: &Bound<'_, PyAny>) -> PyResult<OrderRequest> {
    let text = |name: &str| -> PyResult<String> { order.getattr(name)?.str()?.extract() };
    let price = optional(&order.getattr("limit_price")?, Price::parse)?;
    Ok(OrderRequest {
        client_order_id: text("client_order_id")?,
        decision_id: text("decision_id")?,
        symbol: text("symbol")?,
        side: side(&text("side")?)?,
        quantity: amount(&order.getattr("quantity")?, Quantity::parse)?,
        order_type: order_type(&text("type")?, price)?,
        reduce_only: order.getattr("reduce_only")?.extract()?,
        reference_price: amount(&order.getattr("reference_price")?, Price::parse)?,
        stop_loss: optional(&order.getattr("stop_loss")?, Price::parse)?,
        take_profit: optional(&order.getattr("take_profit")?, Price::parse)?,
    })
}

/// A `deepalpha.types.Instrument`, by its attributes.
pub(crate) fn instrument(value: &Bound<'_, PyAny>) -> PyResult<Instrument> {
    let symbol: String = value.getattr("symbol")?.extract()?;
    let tick = amount(&value.getattr("tick_size")?, Price::parse)?;
    let lot = amount(&value.getattr("lot_size")?, Quantity::parse)?;
    Instrument::new(symbol, tick, lot).map_err(|error| raise(Kind::Order, error))
}

/// The verdict as `{"approved", "rule", "value", "bound", "message", "checks": [...]}`.
pub(crate) fn verdict<'py>(py: Python<'py>, verdict: &Verdict) -> PyResult<Bound<'py, PyDict>> {
    let refusal = verdict.refusal();
    let out = PyDict::new(py);
    out.set_item("approved", refusal.is_none())?;
    out.set_item("rule", refusal.as_ref().map_or("", |refused| refused.rule.as_str()))?;
    out.set_item("value", refusal.as_ref().map_or("", |refused| refused.value.as_str()))?;
    out.set_item("bound", refusal.as_ref().map_or("", |refused| refused.bound.as_str()))?;
    out.set_item("message", refusal.as_ref().map_or_else(String::new, ToString::to_string))?;
    let checks = PyList::empty(py);
    for check in &verdict.checks {
        let row = PyDict::new(py);
        row.set_item("rule", check.rule.as_str())?;
        row.set_item("value", &check.value)?;
        row.set_item("bound", &check.bound)?;
        row.set_item("holds", check.holds)?;
        checks.append(row)?;
    }
    out.set_item("checks", checks)?;
    Ok(out)
}

/// Venue events as `(kind, fields)` pairs; the fields fit the facts of `deepalpha.types`.
pub(crate) fn events<'py>(py: Python<'py>, events: &[VenueEvent]) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for event in events {
        out.append(match event {
            VenueEvent::Attached(order) => ("attached", attached(py, order)?),
            VenueEvent::Step(order_step) => ("step", step(py, order_step)?),
            VenueEvent::Fill(record) => ("fill", fill(py, record)?),
        })?;
    }
    Ok(out)
}

fn attached<'py>(py: Python<'py>, order: &OrderRequest) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("client_order_id", &order.client_order_id)?;
    out.set_item("decision_id", &order.decision_id)?;
    out.set_item("symbol", &order.symbol)?;
    out.set_item("side", order.side.as_str())?;
    out.set_item("quantity", order.quantity.to_string())?;
    out.set_item("type", order.order_type.as_str())?;
    out.set_item("limit_price", order.order_type.price().map(|price| price.to_string()))?;
    out.set_item("reduce_only", order.reduce_only)?;
    out.set_item("reference_price", order.reference_price.to_string())?;
    Ok(out)
}

fn step<'py>(py: Python<'py>, step: &OrderStep) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("client_order_id", &step.client_order_id)?;
    out.set_item("seq", step.seq)?;
    out.set_item("event", step.event)?;
    out.set_item("state_before", step.state_before)?;
    out.set_item("state", step.state)?;
    out.set_item("ts_event", step.ts_event.0)?;
    out.set_item("reason", &step.reason)?;
    Ok(out)
}

fn fill<'py>(py: Python<'py>, fill: &FillRecord) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("fill_id", &fill.fill_id)?;
    out.set_item("client_order_id", &fill.client_order_id)?;
    out.set_item("decision_id", &fill.decision_id)?;
    out.set_item("symbol", &fill.symbol)?;
    out.set_item("side", fill.side.as_str())?;
    out.set_item("quantity", fill.quantity.to_string())?;
    out.set_item("price", fill.price.to_string())?;
    out.set_item("fee", fill.fee.to_string())?;
    out.set_item("realised_pnl", fill.realised.to_string())?;
    out.set_item("ts_event", fill.ts_event.0)?;
    out.set_item("reason", fill.reason)?;
    Ok(out)
}
