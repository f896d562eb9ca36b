//! The settings of a desk as a Python dictionary, by name; a name that is unknown or missing is an error.

use std::collections::BTreeMap;

use deepalpha_engine::book::QueueModel;
use deepalpha_engine::desk::{DeskConfig, EventOverflow, Overflow, ThrottleLimits, ThrottlePolicy};
use deepalpha_engine::matching::exchange::{ExchangeConfig, LiquidityKind, TriggerSource};
use deepalpha_engine::matching::{Delay, FeeModel, FeeTier, LatencyModel, SlippageModel};
use deepalpha_engine::portfolio::{AccountKind, AccountTerms, MarginMode, PositionMode};
use deepalpha_engine::risk::Limits;
use deepalpha_engine::types::{ClientOrderId, Currency, Instrument, Money, Ratio};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::super::convert::{amount, id, instrument};
use super::super::risk_table::limits_of;
use crate::error::{Kind, raise};

/// Every setting.
const NAMES: [&str; 25] = [
    "instruments",
    "cash",
    "currency",
    "account_kind",
    "leverage",
    "margin_mode",
    "position_mode",
    "call_level",
    "liquidation_fee",
    "maker_fee",
    "taker_fee",
    "fees",
    "bounds",
    "allow_short",
    "liquidity",
    "slippage",
    "latency_ns",
    "queue_model",
    "trigger_source",
    "seed",
    "orders_per_second",
    "throttle",
    "waiting",
    "events",
    "event_overflow",
];

fn bad(message: impl std::fmt::Display) -> PyErr {
    raise(Kind::Order, message)
}

/// What a desk is opened with: its configuration and what it lists.
pub(super) fn settings(
    given: &Bound<'_, PyDict>,
    liquidations: ClientOrderId,
) -> PyResult<(DeskConfig, Vec<Instrument>)> {
    for name in given.keys() {
        let name: String = name.extract()?;
        if !NAMES.contains(&name.as_str()) {
            return Err(bad(format!("a desk has no setting {name:?}; it has {}", NAMES.join(", "))));
        }
    }
    let need = |name: &str| given.get_item(name)?.ok_or_else(|| bad(format!("a desk needs the setting {name:?}")));
    let get = |name: &str| need(name).map(|value| (!value.is_none()).then_some(value));
    let text = |name: &str| -> PyResult<String> { need(name)?.extract() };
    let ratio = |value: &Bound<'_, PyAny>| amount(value, Ratio::parse);
    let of = |name: &str| need(name).and_then(|value| ratio(&value));

    // No table means the open one: every numeric bound off, what is left are switches, identities, validity.
    let mut limits = match get("bounds")? {
        Some(bounds) => limits_of(bounds.cast::<PyDict>()?, None, None, &BTreeMap::new(), &[], None)?,
        None => Limits::open(),
    };
    limits.allow_short = need("allow_short")?.extract()?;
    let mode = if text("margin_mode")? == "isolated" { MarginMode::Isolated } else { MarginMode::Cross };
    let kind = match (text("account_kind")?.as_str(), get("leverage")?) {
        ("spot", None) => AccountKind::Spot,
        ("spot", Some(leverage)) => {
            return Err(bad(format!("a spot account has no leverage (given: {leverage}); give None, or margin")));
        }
        (kind, None) => return Err(bad(format!("a {kind} account needs its leverage, for example \"3\""))),
        ("futures", Some(leverage)) => AccountKind::Futures { leverage: ratio(&leverage)?, mode },
        (_, Some(leverage)) => AccountKind::Margin { leverage: ratio(&leverage)? },
    };
    let hedging = text("position_mode")? == "hedging";
    let account = AccountTerms {
        position_mode: if hedging { PositionMode::Hedging } else { PositionMode::Netting },
        call_level: of("call_level")?,
        liquidation_fee: of("liquidation_fee")?,
        ..AccountTerms::new(kind, id(&text("currency")?, Currency::parse)?)
    };
    let policy = if text("throttle")? == "queue" { ThrottlePolicy::Queue } else { ThrottlePolicy::Refuse };
    let throttle = match get("orders_per_second")? {
        Some(count) => Some(ThrottleLimits::per_second(count.extract()?, policy).map_err(bad)?),
        None => None,
    };
    let fees = match get("fees")? {
        Some(model) => fees(model.cast::<PyDict>()?)?,
        None => FeeModel::Flat { maker: of("maker_fee")?, taker: of("taker_fee")? },
    };
    let config = DeskConfig {
        limits,
        account,
        cash: amount(&need("cash")?, Money::parse)?,
        fees,
        exchange: ExchangeConfig {
            liquidations,
            slippage: get("slippage")?.map_or(Ok(SlippageModel::NONE), |model| slippage(model.cast::<PyDict>()?))?,
            latency: match get("latency_ns")? {
                Some(delays) => latency(delays.cast::<PyDict>()?, need("seed")?.extract()?)?,
                None => LatencyModel::NONE,
            },
            queue_model: match need("queue_model")?.extract::<u8>() {
                Ok(power) => QueueModel::Power(power),
                Err(_) if text("queue_model")? == "logarithm" => QueueModel::Logarithm,
                Err(_) => QueueModel::RiskAverse,
            },
            trigger_source: match text("trigger_source")?.as_str() {
                "best_quote" => TriggerSource::BestQuote,
                _ => TriggerSource::LastTrade,
            },
            ..ExchangeConfig::default()
        },
        liquidity: if text("liquidity")? == "depth" { LiquidityKind::Depth } else { LiquidityKind::Book },
        throttle,
        waiting: need("waiting")?.extract()?,
        overflow: Overflow::DisplaceLeastUrgent,
        events: need("events")?.extract()?,
        event_overflow: match text("event_overflow")?.as_str() {
            "refuse_orders" => EventOverflow::RefuseOrders,
            _ => EventOverflow::DropOldest,
        },
    };
    let listed = need("instruments")?.try_iter()?.map(|given| instrument(&given?)).collect::<PyResult<_>>()?;
    Ok((config, listed))
}

/// Exactly the keys of one of some alternatives.
fn keys(given: &Bound<'_, PyDict>, what: &str, alternatives: &[&[&str]]) -> PyResult<usize> {
    let mut names = given.keys().iter().map(|key| key.extract()).collect::<PyResult<Vec<String>>>()?;
    names.sort_unstable();
    let found = alternatives.iter().position(|keys| {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys == names
    });
    found.ok_or_else(|| {
        let known: Vec<String> = alternatives.iter().map(|keys| keys.join(" with ")).collect();
        bad(format!("{what} has the keys {}; it takes {}", names.join(", "), known.join(", or ")))
    })
}

type Tier<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

fn fees(given: &Bound<'_, PyDict>) -> PyResult<FeeModel> {
    let need = |name: &str| given.get_item(name)?.ok_or_else(|| bad(format!("fees need {name}")));
    let ratio = |name: &str| need(name).and_then(|value| amount(&value, Ratio::parse));
    let money = |name: &str| need(name).and_then(|value| amount(&value, Money::parse));
    let model = match keys(
        given,
        "fees",
        &[&["maker", "taker"], &["tiers"], &["per_share", "minimum", "maximum"], &["per_order"]],
    )? {
        0 => FeeModel::Flat { maker: ratio("maker")?, taker: ratio("taker")? },
        1 => {
            let rows: Vec<Tier<'_>> = need("tiers")?.extract()?;
            let tier = |(volume, maker, taker): &Tier<'_>| -> PyResult<FeeTier> {
                Ok(FeeTier {
                    from_volume: amount(volume, Money::parse)?,
                    maker: amount(maker, Ratio::parse)?,
                    taker: amount(taker, Ratio::parse)?,
                })
            };
            FeeModel::Tiered(rows.iter().map(tier).collect::<PyResult<_>>()?)
        }
        2 => FeeModel::PerShare { rate: money("per_share")?, minimum: money("minimum")?, maximum: ratio("maximum")? },
        _ => FeeModel::PerOrder(money("per_order")?),
    };
    model.validate().map_err(bad)?;
    Ok(model)
}

fn slippage(given: &Bound<'_, PyDict>) -> PyResult<SlippageModel> {
    let need = |name: &str| given.get_item(name)?.ok_or_else(|| bad(format!("slippage needs {name}")));
    let ratio = |name: &str| need(name).and_then(|value| amount(&value, Ratio::parse));
    Ok(match keys(given, "slippage", &[&["ratio"], &["ticks"], &["ratio", "impact"]])? {
        0 => SlippageModel::Ratio(ratio("ratio")?),
        1 => SlippageModel::Ticks(need("ticks")?.extract()?),
        _ => SlippageModel::VolumeImpact { base: ratio("ratio")?, impact: ratio("impact")? },
    })
}

/// Delays on the way to the venue: a number of nanoseconds, or the shortest and the longest.
fn latency(given: &Bound<'_, PyDict>, seed: u64) -> PyResult<LatencyModel> {
    keys(given, "latency_ns", &[&["order", "cancel"]])?;
    let delay = |name: &str| -> PyResult<Delay> {
        let value = given.get_item(name)?.ok_or_else(|| bad(format!("latency_ns needs {name}")))?;
        let (least, most): (i64, i64) = match value.cast::<PyTuple>() {
            Ok(bounds) => bounds.extract()?,
            Err(_) => value.extract().map(|fixed| (fixed, fixed))?,
        };
        if least < 0 || most < least {
            return Err(bad(format!(
                "latency_ns of an {name} is {least}..{most}; it must be 0 <= shortest <= longest"
            )));
        }
        Ok(if least == most { Delay::Constant(least) } else { Delay::Uniform { least, most } })
    };
    Ok(LatencyModel::new(delay("order")?, delay("cancel")?, Delay::Constant(0), seed))
}
