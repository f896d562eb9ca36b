//! An order as a Python dictionary. Amounts are str, Decimal or int; a float is refused with the reason.

use deepalpha_engine::orders::{OrderRequest, OrderType, Origin, TimeInForce, TrailOffset};
use deepalpha_engine::types::{
    AmountError, ClientOrderId, Price, Quantity, Ratio, SCALE, Side, SourceId, StrategyId, Symbol, UtcNanos,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyString};

use super::super::convert::{amount, id, position_side, side};
use crate::error::{Kind, raise};

/// Keys that an order may have.
pub(super) const KEYS: [&str; 25] = [
    "symbol",
    "side",
    "quantity",
    "type",
    "limit_price",
    "trigger_price",
    "trailing_offset",
    "trailing_percent",
    "trailing_atr",
    "trailing_multiple",
    "time_in_force",
    "expires_at",
    "post_only",
    "reduce_only",
    "display_quantity",
    "position_side",
    "stop_loss",
    "take_profit",
    "strategy",
    "origin",
    "oco_group",
    "client_order_id",
    "decision_id",
    "reference_price",
    "forced",
];

fn refuse(message: impl std::fmt::Display) -> PyErr {
    raise(Kind::Order, message)
}

/// An amount of a field. A str is read where it lies; an int is whole units.
pub(super) fn value<T>(
    name: &str,
    given: &Bound<'_, PyAny>,
    parse: impl Fn(&str) -> Result<T, AmountError>,
    from_raw: impl Fn(i64) -> T,
) -> PyResult<T> {
    if let Ok(text) = given.cast::<PyString>() {
        return parse(text.to_str()?).map_err(|error| refuse(format!("{name}: {error}")));
    }
    if given.is_instance_of::<PyFloat>() {
        let why = "a binary float is not the decimal that was meant (0.1 is 0.1000000000000000055...)";
        let shown = given.repr()?;
        return Err(refuse(format!("{name} is the float {shown}; give a str or Decimal: {why}")));
    }
    if given.is_exact_instance_of::<PyInt>() {
        let raw = given.extract::<i64>().ok().and_then(|whole| whole.checked_mul(SCALE));
        return raw.map(from_raw).ok_or_else(|| {
            refuse(format!("{name}: the whole number given is beyond +-92233720368; no real amount is that large"))
        });
    }
    amount(given, parse)
}

#[derive(Default)]
struct Fields {
    side: Option<Side>,
    quantity: Option<Quantity>,
    limit: Option<Price>,
    trigger: Option<Price>,
    offset: Option<Price>,
    percent: Option<Ratio>,
    range: Option<Price>,
    multiple: Option<Ratio>,
    expires_at: Option<i64>,
    kind: Option<&'static str>,
    force: Option<&'static str>,
}

const TYPES: [&str; 7] = ["market", "limit", "stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop"];
const FORCES: [&str; 5] = ["gtc", "ioc", "fok", "gtd", "day"];

/// The member of a closed set that `given` (a str or StrEnum) is.
fn member(name: &str, given: &Bound<'_, PyAny>, set: &[&'static str]) -> PyResult<&'static str> {
    let text = given.cast::<PyString>().map_err(|_| refuse(format!("{name} must be a str")))?;
    let text = text.to_str()?;
    let found = set.iter().find(|known| **known == text);
    found.copied().ok_or_else(|| refuse(format!("{name} {text:?} is not one of {}", set.join(", "))))
}

/// The nearest key, in words; only asked for when something is wrong.
fn unknown_key(key: &Bound<'_, PyAny>) -> PyErr {
    let shown = key.repr().map(|text| text.to_string()).unwrap_or_default();
    let nearest = || -> PyResult<Vec<String>> {
        let difflib = key.py().import("difflib")?;
        difflib.call_method1("get_close_matches", (key.str()?, KEYS.to_vec(), 1, 0.5))?.extract()
    };
    // What other libraries call it.
    let elsewhere = match shown.trim_matches('\'') {
        "qty" | "amount" | "size" => Some("quantity".to_owned()),
        "price" => Some("limit_price".to_owned()),
        "stop_price" => Some("trigger_price".to_owned()),
        "tif" => Some("time_in_force".to_owned()),
        _ => None,
    };
    match elsewhere.or_else(|| nearest().ok().and_then(|found| found.into_iter().next())) {
        Some(near) => refuse(format!("an order has no {shown}; did you mean {near:?}?")),
        None => refuse(format!("an order has no {shown}; it has {}", KEYS.join(", "))),
    }
}

/// A dictionary as a request. `client_order_id` and `reference_price` are left empty when the caller gives none.
pub(super) fn parse(order: &Bound<'_, PyDict>) -> PyResult<OrderRequest> {
    let mut fields = Fields::default();
    let (none_id, none_source) = (ClientOrderId::EMPTY, SourceId::EMPTY);
    let blank = OrderType::Market;
    let mut request =
        OrderRequest::new(none_id, none_source, Symbol::EMPTY, Side::Buy, Quantity::ZERO, blank, Price::ZERO);
    request.origin = Origin::Manual;
    for (key, given) in order.iter() {
        let Ok(name) = key.cast::<PyString>() else { return Err(unknown_key(&key)) };
        let name = name.to_str()?;
        if given.is_none() {
            if KEYS.contains(&name) {
                continue;
            }
            return Err(unknown_key(&key));
        }
        field(&mut request, &mut fields, name, &given)?.ok_or_else(|| unknown_key(&key))?;
    }
    finish(request, &fields)
}

fn field(
    request: &mut OrderRequest,
    fields: &mut Fields,
    name: &str,
    given: &Bound<'_, PyAny>,
) -> PyResult<Option<()>> {
    let price = || value(name, given, Price::parse, Price::from_raw);
    let quantity = || value(name, given, Quantity::parse, Quantity::from_raw);
    let ratio = || value(name, given, Ratio::parse, Ratio::from_raw);
    let text =
        || -> PyResult<String> { given.extract().map_err(|_| refuse(format!("{name} must be a str, not {given}"))) };
    let flag = || -> PyResult<bool> {
        given.extract().map_err(|_| refuse(format!("{name} must be True or False, not {given}")))
    };
    match name {
        "symbol" => {
            let text = given.cast::<PyString>().map_err(|_| refuse(format!("symbol must be a str, not {given}")))?;
            request.symbol = id(text.to_str()?, Symbol::parse)?;
        }
        "side" => fields.side = Some(side(member(name, given, &["buy", "sell"])?)?),
        "quantity" => fields.quantity = Some(quantity()?),
        "type" => fields.kind = Some(member(name, given, &TYPES)?),
        "limit_price" => fields.limit = Some(price()?),
        "trigger_price" => fields.trigger = Some(price()?),
        "trailing_offset" => fields.offset = Some(price()?),
        "trailing_percent" => fields.percent = Some(ratio()?),
        "trailing_atr" => fields.range = Some(price()?),
        "trailing_multiple" => fields.multiple = Some(ratio()?),
        "time_in_force" => fields.force = Some(member(name, given, &FORCES)?),
        "expires_at" => {
            let nanos =
                given.extract().map_err(|_| refuse(format!("expires_at must be an int of UTC ns, not {given}")))?;
            fields.expires_at = Some(nanos);
        }
        "post_only" => request.post_only = flag()?,
        "reduce_only" => request.reduce_only = flag()?,
        "forced" => request.forced = flag()?,
        "display_quantity" => request.display = Some(quantity()?),
        "position_side" => request.position_side = position_side(&text()?)?,
        "stop_loss" => request.stop_loss = Some(price()?),
        "take_profit" => request.take_profit = Some(price()?),
        "strategy" => request.strategy = id(&text()?, StrategyId::parse)?,
        "origin" => {
            request.origin = match member(name, given, &["agents", "auto", "manual", "strategy"])? {
                "agents" => Origin::Agents,
                "auto" => Origin::Auto,
                "strategy" => Origin::Strategy,
                _ => Origin::Manual,
            }
        }
        "oco_group" => request.oco_group = id(&text()?, ClientOrderId::parse)?,
        "client_order_id" => request.client_order_id = id(&text()?, ClientOrderId::parse)?,
        "decision_id" => request.decision_id = id(&text()?, SourceId::parse)?,
        "reference_price" => request.reference_price = price()?,
        _ => return Ok(None),
    }
    Ok(Some(()))
}

fn finish(mut request: OrderRequest, fields: &Fields) -> PyResult<OrderRequest> {
    let missing = |name: &str, example: &str| refuse(format!("an order needs {name}, for example {example}"));
    if request.symbol.is_empty() {
        return Err(missing("a symbol", "\"BTC/USDT\""));
    }
    request.side = fields.side.ok_or_else(|| missing("a side", "\"buy\""))?;
    request.quantity = fields.quantity.ok_or_else(|| missing("a quantity", "\"0.5\""))?;
    let kind = fields.kind.ok_or_else(|| missing("a type", "\"limit\""))?;
    let need = |price: Option<Price>, name: &str| price.ok_or_else(|| refuse(format!("a {kind} order needs a {name}")));
    let (limit, trigger) = (fields.limit, fields.trigger);
    request.order_type = match kind {
        "market" => OrderType::Market,
        "limit" => OrderType::Limit(need(limit, "limit_price")?),
        "stop" => OrderType::Stop(need(trigger, "trigger_price")?),
        "stop_limit" => {
            OrderType::StopLimit { trigger: need(trigger, "trigger_price")?, limit: need(limit, "limit_price")? }
        }
        "take_profit" => OrderType::TakeProfit(need(trigger, "trigger_price")?),
        "take_profit_limit" => {
            OrderType::TakeProfitLimit { trigger: need(trigger, "trigger_price")?, limit: need(limit, "limit_price")? }
        }
        _ => OrderType::TrailingStop(trail(fields)?),
    };
    let takes = |wanted: bool, given: bool, name: &str| {
        if given && !wanted {
            Err(refuse(format!("a {kind} order has no {name}; leave it out or change the type")))
        } else {
            Ok(())
        }
    };
    takes(request.order_type.limit().is_some(), limit.is_some(), "limit_price")?;
    takes(request.order_type.trigger().is_some(), trigger.is_some(), "trigger_price")?;
    request.time_in_force = match (fields.force.unwrap_or("gtc"), fields.expires_at) {
        ("gtc", None) => TimeInForce::Gtc,
        ("ioc", None) => TimeInForce::Ioc,
        ("fok", None) => TimeInForce::Fok,
        ("day", None) => TimeInForce::Day,
        ("gtd", Some(until)) => TimeInForce::Gtd(UtcNanos(until)),
        ("gtd", None) => return Err(refuse("a gtd order needs expires_at in UTC ns")),
        (other, _) => return Err(refuse(format!("a {other} order has no expires_at; use gtd"))),
    };
    Ok(request)
}

fn trail(fields: &Fields) -> PyResult<TrailOffset> {
    match (fields.offset, fields.percent, fields.range, fields.multiple) {
        (Some(offset), None, None, None) => Ok(TrailOffset::Price(offset)),
        (None, Some(percent), None, None) => Ok(TrailOffset::Percent(percent)),
        (None, None, Some(range), Some(multiple)) => Ok(TrailOffset::Atr { multiple, range }),
        _ => Err(refuse(
            "a trailing stop needs exactly one of trailing_offset, trailing_percent, or trailing_atr with \
             trailing_multiple",
        )),
    }
}
