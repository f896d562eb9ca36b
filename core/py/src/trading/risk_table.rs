//! The table of bounds from Python: each bound by the unit of its rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use deepalpha_engine::risk::{Clusters, Limits, OFF, RULES, Scaling, Unit};
use deepalpha_engine::types::{Money, Ratio, StrategyId, Symbol};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::convert::{amount, id};
use crate::error::{Kind, raise};

fn refused(error: impl std::fmt::Display) -> PyErr {
    raise(Kind::Order, error)
}

/// A bound in the unit of its rule; None is off.
fn bound(rule: &str, value: &Bound<'_, PyAny>) -> PyResult<i64> {
    if value.is_none() {
        return Ok(OFF);
    }
    match RULES.iter().find(|spec| spec.name == rule).map(|spec| spec.unit) {
        Some(Unit::Ratio | Unit::Multiple) => Ok(amount(value, Ratio::parse)?.raw()),
        Some(Unit::Money) => Ok(amount(value, Money::parse)?.raw()),
        // An unknown name is said by the table, with the nearest one.
        _ => value.extract(),
    }
}

fn each(
    given: &Bound<'_, PyDict>,
    mut put: impl FnMut(&str, i64) -> Result<(), deepalpha_engine::risk::RiskError>,
) -> PyResult<()> {
    for (name, value) in given {
        let name: String = name.extract()?;
        put(&name, bound(&name, &value)?).map_err(refused)?;
    }
    Ok(())
}

pub(super) fn limits_of(
    bounds: &Bound<'_, PyDict>,
    strategies: Option<&Bound<'_, PyDict>>,
    instruments: Option<&Bound<'_, PyDict>>,
    clusters: &BTreeMap<String, String>,
    correlations: &[(String, String, Bound<'_, PyAny>)],
    scaling: Option<&Bound<'_, PyDict>>,
) -> PyResult<Limits> {
    let mut limits = Limits::default();
    each(bounds, |rule, bound| limits.set(rule, bound))?;
    for (name, own) in strategies.into_iter().flatten() {
        let strategy = id(&name.extract::<String>()?, StrategyId::parse)?;
        each(own.cast()?, |rule, bound| limits.set_strategy(strategy, rule, bound))?;
    }
    for (name, own) in instruments.into_iter().flatten() {
        let symbol = id(&name.extract::<String>()?, Symbol::parse)?;
        each(own.cast()?, |rule, bound| limits.set_instrument(symbol, rule, bound))?;
    }
    let mut made = Clusters::default();
    for (symbol, cluster) in clusters {
        made.assign(id(symbol, Symbol::parse)?, cluster).map_err(refused)?;
    }
    for (one, other, correlation) in correlations {
        made.correlate(one, other, amount(correlation, Ratio::parse)?).map_err(refused)?;
    }
    limits.clusters = Arc::new(made);
    if let Some(scaling) = scaling {
        limits.scaling = scaling_of(scaling)?;
    }
    Ok(limits)
}

fn scaling_of(given: &Bound<'_, PyDict>) -> PyResult<Scaling> {
    let ratio = |name: &str| -> PyResult<Option<Ratio>> {
        given.get_item(name)?.filter(|value| !value.is_none()).map(|value| amount(&value, Ratio::parse)).transpose()
    };
    let liquidity = given.get_item("liquidity")?.filter(|value| !value.is_none());
    Ok(Scaling {
        volatility: ratio("volatility")?,
        correlation: ratio("correlation")?,
        concentration: ratio("concentration")?,
        liquidity: liquidity.map(|value| amount(&value, Money::parse)).transpose()?,
        floor: ratio("floor")?.unwrap_or_default(),
    })
}
