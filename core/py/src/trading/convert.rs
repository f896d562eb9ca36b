//! `deepalpha.types` facts to core types and back.

use deepalpha_engine::matching::{FillRecord, OrderStep, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, OrderType, Origin, PositionSide, TimeInForce, TrailOffset};
use deepalpha_engine::risk::{Refused, Verdict};
use deepalpha_engine::types::{
    AmountError, ClientOrderId, Currency, Instrument, InstrumentKind, Money, Price, Quantity, Ratio, Side, SourceId,
    StrategyId, Symbol, TextError, UtcNanos,
};
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

/// An inline id, by its parser.
pub(crate) fn id<T>(text: &str, parse: impl Fn(&str) -> Result<T, TextError>) -> PyResult<T> {
    parse(text).map_err(|error| raise(Kind::Order, error))
}

/// An inline id that may be empty.
fn optional_id<T: Default>(text: &str, parse: impl Fn(&str) -> Result<T, TextError>) -> PyResult<T> {
    if text.is_empty() { Ok(T::default()) } else { id(text, parse) }
}

fn order_type(order: &Bound<'_, PyAny>) -> PyResult<OrderType> {
    let text: String = order.getattr("type")?.str()?.extract()?;
    let need = |name: &str| -> PyResult<Price> {
        optional(&order.getattr(name)?, Price::parse)?
            .ok_or_else(|| raise(Kind::Order, format!("a {text} order needs a {name}")))
    };
    Ok(match text.as_str() {
        "market" => OrderType::Market,
        "limit" => OrderType::Limit(need("limit_price")?),
        "stop" => OrderType::Stop(need("trigger_price")?),
        "stop_limit" => OrderType::StopLimit { trigger: need("trigger_price")?, limit: need("limit_price")? },
        "take_profit" => OrderType::TakeProfit(need("trigger_price")?),
        "take_profit_limit" => {
            OrderType::TakeProfitLimit { trigger: need("trigger_price")?, limit: need("limit_price")? }
        }
        "trailing_stop" => OrderType::TrailingStop(trail(order)?),
        other => {
            let known = "market, limit, stop, stop_limit, take_profit, take_profit_limit or trailing_stop";
            return Err(raise(Kind::Order, format!("order type {other:?} is not {known}")));
        }
    })
}

fn trail(order: &Bound<'_, PyAny>) -> PyResult<TrailOffset> {
    let offset = optional(&order.getattr("trailing_offset")?, Price::parse)?;
    let percent = optional(&order.getattr("trailing_percent")?, Ratio::parse)?;
    let range = optional(&order.getattr("trailing_atr")?, Price::parse)?;
    let multiple = optional(&order.getattr("trailing_multiple")?, Ratio::parse)?;
    match (offset, percent, range, multiple) {
        (Some(offset), None, None, None) => Ok(TrailOffset::Price(offset)),
        (None, Some(percent), None, None) => Ok(TrailOffset::Percent(percent)),
        (None, None, Some(range), Some(multiple)) => Ok(TrailOffset::Atr { multiple, range }),
        _ => Err(raise(
            Kind::Order,
            "a trailing stop needs exactly one of trailing_offset, trailing_percent, or trailing_atr with \
             trailing_multiple",
        )),
    }
}

fn time_in_force(order: &Bound<'_, PyAny>) -> PyResult<TimeInForce> {
    let text: String = order.getattr("time_in_force")?.str()?.extract()?;
    let expires_at: Option<i64> = order.getattr("expires_at")?.extract()?;
    match (text.as_str(), expires_at) {
        ("gtc", None) => Ok(TimeInForce::Gtc),
        ("ioc", None) => Ok(TimeInForce::Ioc),
        ("fok", None) => Ok(TimeInForce::Fok),
        ("day", None) => Ok(TimeInForce::Day),
        ("gtd", Some(until)) => Ok(TimeInForce::Gtd(UtcNanos(until))),
        ("gtd", None) => Err(raise(Kind::Order, "a gtd order needs expires_at in UTC ns")),
        ("gtc" | "ioc" | "fok" | "day", Some(_)) => {
            Err(raise(Kind::Order, format!("a {text} order has no expires_at; use gtd")))
        }
        (other, _) => Err(raise(Kind::Order, format!("time in force {other:?} is not gtc, ioc, fok, gtd or day"))),
    }
}

pub(crate) fn position_side(text: &str) -> PyResult<PositionSide> {
    match text {
        "net" => Ok(PositionSide::Net),
        "long" => Ok(PositionSide::Long),
        "short" => Ok(PositionSide::Short),
        other => Err(raise(Kind::Order, format!("position side {other:?} is not net, long or short"))),
    }
}

fn origin(text: &str) -> PyResult<Origin> {
    match text {
        "agents" => Ok(Origin::Agents),
        "auto" => Ok(Origin::Auto),
        "manual" => Ok(Origin::Manual),
        "strategy" => Ok(Origin::Strategy),
        "risk" => Ok(Origin::Risk),
        other => Err(raise(Kind::Order, format!("origin {other:?} is not agents, auto, manual, strategy or risk"))),
    }
}

/// A `deepalpha.types.OrderRequest`, by its attributes.
pub(crate) fn request(order: &Bound<'_, PyAny>) -> PyResult<OrderRequest> {
    let text = |name: &str| -> PyResult<String> { order.getattr(name)?.str()?.extract() };
    Ok(OrderRequest {
        client_order_id: id(&text("client_order_id")?, ClientOrderId::parse)?,
        decision_id: id(&text("decision_id")?, SourceId::parse)?,
        strategy: optional_id(&text("strategy")?, StrategyId::parse)?,
        origin: origin(&text("origin")?)?,
        symbol: id(&text("symbol")?, Symbol::parse)?,
        side: side(&text("side")?)?,
        quantity: amount(&order.getattr("quantity")?, Quantity::parse)?,
        order_type: order_type(order)?,
        time_in_force: time_in_force(order)?,
        post_only: order.getattr("post_only")?.extract()?,
        reduce_only: order.getattr("reduce_only")?.extract()?,
        display: optional(&order.getattr("display_quantity")?, Quantity::parse)?,
        position_side: position_side(&text("position_side")?)?,
        reference_price: amount(&order.getattr("reference_price")?, Price::parse)?,
        stop_loss: optional(&order.getattr("stop_loss")?, Price::parse)?,
        take_profit: optional(&order.getattr("take_profit")?, Price::parse)?,
        oco_group: optional_id(&text("oco_group")?, ClientOrderId::parse)?,
        parent: optional_id(&text("parent_id")?, ClientOrderId::parse)?,
        forced: order.getattr("forced")?.extract()?,
    })
}

/// A `deepalpha.types.Instrument`, by its attributes.
pub(crate) fn instrument(value: &Bound<'_, PyAny>) -> PyResult<Instrument> {
    let get = |name: &str| value.getattr(name);
    let text = |name: &str| -> PyResult<String> { get(name)?.str()?.extract() };
    let symbol = id(&text("symbol")?, Symbol::parse)?;
    let kind = match text("kind")?.as_str() {
        "spot" => InstrumentKind::Spot,
        "equity" => InstrumentKind::Equity,
        "future" => InstrumentKind::Future,
        "perpetual" => InstrumentKind::Perpetual,
        other => {
            let message = format!("{symbol}: kind {other:?} is not spot, equity, future or perpetual");
            return Err(raise(Kind::Order, message));
        }
    };
    let base = text("base")?;
    let (tick, lot) = (amount(&get("tick_size")?, Price::parse)?, amount(&get("lot_size")?, Quantity::parse)?);
    let listed = Instrument {
        tick_size: tick,
        lot_size: lot,
        kind,
        multiplier: amount(&get("multiplier")?, Quantity::parse)?,
        currency: id(&text("currency")?, Currency::parse)?,
        base: if base.is_empty() { None } else { Some(id(&base, Currency::parse)?) },
        odd_lot_exit: get("odd_lot_exit")?.extract()?,
        t_plus_one: get("t_plus_one")?.extract()?,
        min_quantity: amount(&get("min_quantity")?, Quantity::parse)?,
        max_quantity: optional(&get("max_quantity")?, Quantity::parse)?.unwrap_or(Quantity::from_raw(i64::MAX)),
        min_notional: amount(&get("min_notional")?, Money::parse)?,
        initial_margin: amount(&get("initial_margin")?, Ratio::parse)?,
        maintenance_margin: amount(&get("maintenance_margin")?, Ratio::parse)?,
        ..Instrument::finest(symbol)
    };
    listed.validated().map_err(|error| raise(Kind::Order, format!("{symbol}: {error}")))
}

/// The verdict as `{"approved", "rule", "value", "bound", "message", "checks": [...]}`.
pub(crate) fn verdict<'py>(py: Python<'py>, verdict: &Verdict) -> PyResult<Bound<'py, PyDict>> {
    let refusal = verdict.refusal();
    let out = PyDict::new(py);
    out.set_item("approved", refusal.is_none())?;
    out.set_item("rule", refusal.as_ref().map_or("", |refused| refused.rule.name))?;
    out.set_item("value", refusal.as_ref().map_or_else(String::new, Refused::value))?;
    out.set_item("bound", refusal.as_ref().map_or_else(String::new, Refused::bound))?;
    out.set_item("message", refusal.as_ref().map_or_else(String::new, ToString::to_string))?;
    let checks = PyList::empty(py);
    for check in verdict.checks() {
        let row = PyDict::new(py);
        row.set_item("rule", check.rule)?;
        row.set_item("value", &check.value)?;
        row.set_item("bound", &check.bound)?;
        row.set_item("holds", check.holds)?;
        row.set_item("measured", check.measured)?;
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

/// An order as the fields of `deepalpha.types.OrderRequest`.
pub(super) fn attached<'py>(py: Python<'py>, order: &OrderRequest) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("client_order_id", order.client_order_id.as_str())?;
    out.set_item("decision_id", order.decision_id.as_str())?;
    out.set_item("strategy", order.strategy.as_str())?;
    out.set_item("origin", order.origin.as_str())?;
    out.set_item("symbol", order.symbol.as_str())?;
    out.set_item("side", order.side.as_str())?;
    out.set_item("quantity", order.quantity.to_string())?;
    out.set_item("type", order.order_type.as_str())?;
    out.set_item("limit_price", order.order_type.limit().map(|price| price.to_string()))?;
    out.set_item("trigger_price", order.order_type.trigger().map(|price| price.to_string()))?;
    if let OrderType::TrailingStop(offset) = order.order_type {
        match offset {
            TrailOffset::Price(distance) => out.set_item("trailing_offset", distance.to_string())?,
            TrailOffset::Percent(share) => out.set_item("trailing_percent", share.to_string())?,
            TrailOffset::Atr { multiple, range } => {
                out.set_item("trailing_atr", range.to_string())?;
                out.set_item("trailing_multiple", multiple.to_string())?;
            }
        }
    }
    out.set_item("time_in_force", order.time_in_force.as_str())?;
    if let TimeInForce::Gtd(until) = order.time_in_force {
        out.set_item("expires_at", until.0)?;
    }
    out.set_item("post_only", order.post_only)?;
    out.set_item("reduce_only", order.reduce_only)?;
    out.set_item("display_quantity", order.display.map(|quantity| quantity.to_string()))?;
    out.set_item("position_side", order.position_side.as_str())?;
    out.set_item("reference_price", order.reference_price.to_string())?;
    out.set_item("stop_loss", order.stop_loss.map(|price| price.to_string()))?;
    out.set_item("take_profit", order.take_profit.map(|price| price.to_string()))?;
    out.set_item("oco_group", order.oco_group.as_str())?;
    out.set_item("parent_id", order.parent.as_str())?;
    out.set_item("forced", order.forced)?;
    Ok(out)
}

pub(super) fn step<'py>(py: Python<'py>, step: &OrderStep) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("client_order_id", step.client_order_id.as_str())?;
    out.set_item("seq", step.seq)?;
    out.set_item("event", step.event)?;
    out.set_item("state_before", step.state_before)?;
    out.set_item("state", step.state)?;
    out.set_item("ts_event", step.ts_event.0)?;
    out.set_item("reason", &step.reason)?;
    Ok(out)
}

pub(super) fn fill<'py>(py: Python<'py>, fill: &FillRecord) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("fill_id", fill.fill_id.as_str())?;
    out.set_item("client_order_id", fill.client_order_id.as_str())?;
    out.set_item("decision_id", fill.decision_id.as_str())?;
    out.set_item("symbol", fill.symbol.as_str())?;
    out.set_item("side", fill.side.as_str())?;
    out.set_item("quantity", fill.quantity.to_string())?;
    out.set_item("price", fill.price.to_string())?;
    out.set_item("fee", fill.fee.to_string())?;
    out.set_item("realised_pnl", fill.realised.to_string())?;
    out.set_item("ts_event", fill.ts_event.0)?;
    out.set_item("reason", fill.reason)?;
    Ok(out)
}
