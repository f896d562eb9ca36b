//! Events, snapshots and the table of rules as dictionaries.

use deepalpha_engine::risk::{
    AccountState, Holds, Marks, Missing, OFF, RULES, RiskEvent, RiskSnapshot, RiskState, Unit, Usage, Warning,
};
use deepalpha_engine::types::{Money, Ratio, UtcNanos};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::convert::amount;
use crate::error::{Kind, raise};

const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Ratio => "ratio",
        Unit::Multiple => "multiple",
        Unit::Money => "money",
        Unit::Nanos => "nanoseconds",
        Unit::Count => "count",
        Unit::State(_) => "state",
    }
}

/// A number of a rule's unit: decimal text for shares and money, an integer for the others.
fn number<'py>(py: Python<'py>, unit: Unit, value: i64) -> PyResult<Bound<'py, PyAny>> {
    Ok(match unit {
        Unit::Ratio | Unit::Multiple => Ratio::from_raw(value).to_string().into_pyobject(py)?.into_any(),
        Unit::Money => Money::from_raw(value).to_string().into_pyobject(py)?.into_any(),
        Unit::Nanos | Unit::Count | Unit::State(_) => value.into_pyobject(py)?.into_any(),
    })
}

fn bound<'py>(py: Python<'py>, unit: Unit, value: i64) -> PyResult<Option<Bound<'py, PyAny>>> {
    (value != OFF).then(|| number(py, unit, value)).transpose()
}

pub(super) fn rules_table(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let out = PyList::empty(py);
    for rule in &RULES {
        let row = PyDict::new(py);
        row.set_item("name", rule.name)?;
        row.set_item("rank", rule.rank)?;
        row.set_item("tier", rule.tier.as_str())?;
        row.set_item("unit", unit_name(rule.unit))?;
        row.set_item(
            "holds",
            match rule.holds {
                Holds::AtMost => "at most",
                Holds::Below => "below",
                Holds::AtLeast => "at least",
            },
        )?;
        row.set_item("default", bound(py, rule.unit, rule.default)?)?;
        row.set_item("meaning", rule.meaning)?;
        row.set_item("needs", rule.needs)?;
        row.set_item("missing", if rule.missing == Missing::Refuses { "refuses" } else { "passes" })?;
        row.set_item("reducing", rule.reducing)?;
        row.set_item("scaled", rule.scaled)?;
        row.set_item("warns", rule.warns)?;
        out.append(row)?;
    }
    Ok(out)
}

pub(super) fn usage_rows<'py>(py: Python<'py>, found: &[Usage]) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for usage in found.iter().filter(|usage| usage.bound != OFF) {
        let row = PyDict::new(py);
        row.set_item("rule", usage.rule.name)?;
        row.set_item("tier", usage.rule.tier.as_str())?;
        row.set_item("unit", unit_name(usage.rule.unit))?;
        row.set_item("meaning", usage.rule.meaning)?;
        row.set_item("symbol", usage.symbol.as_str())?;
        row.set_item("strategy", usage.strategy.as_str())?;
        let value = usage.measure.number();
        row.set_item("value", value.map(|value| number(py, usage.rule.unit, value)).transpose()?)?;
        row.set_item("bound", number(py, usage.rule.unit, usage.bound)?)?;
        let said = value.map_or_else(
            || format!("not measured: needs {}", usage.rule.needs),
            |value| format!("{} of {}", usage.rule.unit.say(value), usage.rule.unit.say(usage.bound)),
        );
        row.set_item("words", said)?;
        row.set_item("used", usage.used.to_f64())?;
        out.append(row)?;
    }
    Ok(out)
}

pub(super) fn event_rows<'py>(py: Python<'py>, events: &[RiskEvent]) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for event in events {
        match event {
            RiskEvent::State(snapshot) => out.append(("risk_state", snapshot_row(py, snapshot)?))?,
            RiskEvent::Warning(warning) => out.append(("risk_warning", warning_row(py, warning)?))?,
        }
    }
    Ok(out)
}

fn warning_row<'py>(py: Python<'py>, warning: &Warning) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("rule", warning.rule)?;
    row.set_item("symbol", warning.symbol.as_str())?;
    row.set_item("strategy", warning.strategy.as_str())?;
    row.set_item("level", warning.level)?;
    row.set_item("used", warning.used.to_string())?;
    row.set_item("message", warning.to_string())?;
    Ok(row)
}

pub(super) fn snapshot_row<'py>(py: Python<'py>, snapshot: &RiskSnapshot) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    let RiskSnapshot { state, marks, marked } = snapshot;
    row.set_item("state", state.state.as_str())?;
    row.set_item("reason", &state.reason)?;
    row.set_item("by", &state.by)?;
    row.set_item("since", state.since.0)?;
    row.set_item("day", marks.day.map(|(day, equity)| (day, equity.to_string())))?;
    row.set_item("month", marks.month.map(|(month, equity)| (month, equity.to_string())))?;
    row.set_item("peak", marks.peak.map(|equity| equity.to_string()))?;
    row.set_item("last", marks.last.map(|equity| equity.to_string()))?;
    row.set_item("marked", marked.0)?;
    Ok(row)
}

pub(super) fn snapshot_of(row: &Bound<'_, PyDict>) -> PyResult<RiskSnapshot> {
    let missing =
        |name: &str| raise(Kind::Store, format!("a risk_state row has no {name}; run `deepalpha store check`"));
    let need = |name: &str| row.get_item(name)?.ok_or_else(|| missing(name));
    let money = |value: Bound<'_, PyAny>| amount(&value, Money::parse);
    let equity = |name: &str| need(name)?.extract::<Option<Bound<'_, PyAny>>>()?.map(money).transpose();
    let since = |name: &str| -> PyResult<Option<(i64, Money)>> {
        let found: Option<(i64, Bound<'_, PyAny>)> = need(name)?.extract()?;
        found.map(|(count, value)| Ok((count, money(value)?))).transpose()
    };
    let text: String = need("state")?.extract()?;
    let state = AccountState::parse(&text)
        .ok_or_else(|| raise(Kind::Store, format!("risk state {text:?} is not active, reducing or halted")))?;
    Ok(RiskSnapshot {
        state: RiskState {
            state,
            reason: need("reason")?.extract()?,
            by: need("by")?.extract()?,
            since: UtcNanos(need("since")?.extract()?),
        },
        marks: Marks { day: since("day")?, month: since("month")?, peak: equity("peak")?, last: equity("last")? },
        marked: UtcNanos(need("marked")?.extract()?),
    })
}
