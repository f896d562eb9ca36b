//! What the manager wants done, and what it knows, as Python dictionaries.

use deepalpha_engine::execution::{
    Alert, Discrepancy, DiscrepancyKind, Effect, FillReport, Order, RiskState, VenueOrder,
};
use deepalpha_engine::types::Symbol;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::super::convert::attached;

pub(super) const fn risk_state(state: RiskState) -> &'static str {
    match state {
        RiskState::Active => "active",
        RiskState::Reducing => "reducing",
        RiskState::Halted => "halted",
    }
}

/// `[(kind, fields), ...]` in the order in which they are to be done.
pub(super) fn list<'py>(py: Python<'py>, effects: &[Effect]) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for effect in effects {
        out.append(one(py, effect)?)?;
    }
    Ok(out)
}

fn one<'py>(py: Python<'py>, effect: &Effect) -> PyResult<(&'static str, Bound<'py, PyDict>)> {
    let out = PyDict::new(py);
    let kind = match effect {
        // Written before a call returns.
        Effect::Log(_) => "log",
        Effect::Send { request, sent_at } => {
            out.set_item("order", attached(py, request)?)?;
            out.set_item("sent_at", sent_at.0)?;
            "send"
        }
        Effect::SendCancel { client_order_id, symbol } => {
            out.set_item("client_order_id", client_order_id.as_str())?;
            out.set_item("symbol", symbol.as_str())?;
            "cancel"
        }
        Effect::SendAmend { client_order_id, symbol, quantity, price, sent_at } => {
            out.set_item("client_order_id", client_order_id.as_str())?;
            out.set_item("symbol", symbol.as_str())?;
            out.set_item("quantity", quantity.to_string())?;
            out.set_item("limit_price", price.map(|price| price.to_string()))?;
            out.set_item("sent_at", sent_at.0)?;
            "amend"
        }
        Effect::Query { query, client_order_id, symbol } => {
            out.set_item("query", query)?;
            out.set_item("client_order_id", client_order_id.as_str())?;
            out.set_item("symbol", symbol.as_str())?;
            "query"
        }
        Effect::RequestSnapshot { snapshot, fills_since } => {
            out.set_item("snapshot", snapshot)?;
            out.set_item("fills_since", fills_since.0)?;
            "snapshot"
        }
        Effect::Flatten { symbol, position_side, quantity } => {
            out.set_item("symbol", symbol.as_str())?;
            out.set_item("position_side", position_side.as_str())?;
            out.set_item("quantity", quantity.to_string())?;
            "flatten"
        }
        Effect::RiskState(state) => {
            out.set_item("state", risk_state(*state))?;
            "risk_state"
        }
        Effect::Alert(alert) => {
            let (code, about, text) = words(alert);
            out.set_item("code", code)?;
            out.set_item("about", about)?;
            out.set_item("text", text)?;
            "alert"
        }
    };
    Ok((kind, out))
}

/// Code, what it is about, and the sentence for a person.
fn words(alert: &Alert) -> (&'static str, String, String) {
    let order = |code, about: &dyn std::fmt::Display, text: String| (code, about.to_string(), text);
    match alert {
        Alert::OrderUnknown(id) => {
            order("order_unknown", id, format!("{id} is out of sight; the venue is asked, nothing is sent again"))
        }
        Alert::LateFill(id, trade) => {
            order("late_fill", id, format!("{id} traded after its end (trade {trade}); booked"))
        }
        Alert::Overfill(id, by) => {
            order("overfill", id, format!("{id} traded {by} more than was asked for; booked, trading only reduces"))
        }
        Alert::Discrepancy(found) => {
            let kind = found.kind.as_str();
            let text = format!("the venue and the log disagree on {} ({kind}); it is held", found.symbol);
            ("discrepancy", found.id.to_string(), text)
        }
        Alert::Contradiction(id, state) => {
            let text = format!("a report of {id} does not fit its state {}; the venue is asked", state.as_str());
            order("contradiction", id, text)
        }
        Alert::Malformed(id) => {
            order("malformed", id, format!("a report of {id} has amounts that cannot be; nothing was changed"))
        }
        Alert::NotOurs(id) => {
            order("not_ours", id, format!("{id} is not in the log; the next reconciliation shows it"))
        }
        Alert::LogFailed => {
            ("log_failed", String::new(), "the log does not take records: no new orders until it does".to_owned())
        }
        Alert::LogRecovered => ("log_recovered", String::new(), "the log has everything again".to_owned()),
        Alert::ClockJump(by) => ("clock_jump", String::new(), format!("the wall clock jumped by {by} ns")),
        Alert::RateLimited(pause) => {
            ("rate_limited", String::new(), format!("the venue refused for our rate; silence for {pause} ns"))
        }
        Alert::NeverSent(id) => order("never_sent", id, format!("{id} was never sent")),
        Alert::SentUnlogged(id) => {
            order("sent_unlogged", id, format!("the exit {id} went out before its intent was in the log"))
        }
    }
}

pub(super) fn order<'py>(py: Python<'py>, symbol: Symbol, order: &Order) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("client_order_id", order.client_order_id().as_str())?;
    out.set_item("symbol", symbol.as_str())?;
    out.set_item("side", order.side().as_str())?;
    out.set_item("quantity", order.quantity().to_string())?;
    out.set_item("limit_price", order.limit().map(|price| price.to_string()))?;
    out.set_item("filled_quantity", order.state().filled().to_string())?;
    out.set_item("state", order.state().as_str())?;
    Ok(out)
}

pub(super) fn orders<'a, 'py>(
    py: Python<'py>,
    orders: impl Iterator<Item = (Symbol, &'a Order)>,
) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for (symbol, one) in orders {
        out.append(order(py, symbol, one)?)?;
    }
    Ok(out)
}

fn venue_order(out: &Bound<'_, PyDict>, order: &VenueOrder) -> PyResult<()> {
    out.set_item("client_order_id", order.client_order_id.as_str())?;
    out.set_item("side", order.side.as_str())?;
    out.set_item("quantity", order.quantity.to_string())?;
    out.set_item("price", order.price.map(|price| price.to_string()))?;
    out.set_item("filled", order.filled.to_string())
}

fn venue_fill(out: &Bound<'_, PyDict>, fill: &FillReport) -> PyResult<()> {
    out.set_item("client_order_id", fill.client_order_id.as_str())?;
    out.set_item("trade_id", fill.trade_id.as_str())?;
    out.set_item("side", fill.side.as_str())?;
    out.set_item("quantity", fill.quantity.to_string())?;
    out.set_item("price", fill.price.to_string())
}

/// A disagreement: id, symbol, kind, and what either side says.
pub(super) fn discrepancy<'py>(py: Python<'py>, found: &Discrepancy) -> PyResult<Bound<'py, PyDict>> {
    let (out, says) = (PyDict::new(py), PyDict::new(py));
    out.set_item("id", found.id)?;
    out.set_item("symbol", found.symbol.as_str())?;
    out.set_item("kind", found.kind.as_str())?;
    match &found.kind {
        DiscrepancyKind::MissingAtVenue { client_order_id } | DiscrepancyKind::Vanished { client_order_id } => {
            says.set_item("client_order_id", client_order_id.as_str())?;
        }
        DiscrepancyKind::UnknownOrder(order) | DiscrepancyKind::OpenThere(order) => venue_order(&says, order)?,
        DiscrepancyKind::UnknownFill(fill) => venue_fill(&says, fill)?,
        DiscrepancyKind::FillsMissing { client_order_id, booked, venue } => {
            says.set_item("client_order_id", client_order_id.as_str())?;
            says.set_item("booked", booked.to_string())?;
            says.set_item("venue", venue.to_string())?;
        }
        DiscrepancyKind::PositionDiffers { position_side, ours, venue, average_price } => {
            says.set_item("position_side", position_side.as_str())?;
            says.set_item("ours", ours.to_string())?;
            says.set_item("venue", venue.to_string())?;
            says.set_item("average_price", average_price.to_string())?;
        }
    }
    out.set_item("says", says)?;
    Ok(out)
}
