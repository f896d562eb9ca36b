//! The hub's counters as dictionaries.

use deepalpha_io::hub::{Class, HubStats, Tally, TopicStats};
use pyo3::prelude::*;
use pyo3::types::PyDict;

fn tally<'py>(py: Python<'py>, counts: &Tally) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("sent", counts.sent)?;
    out.set_item("delivered", counts.delivered)?;
    out.set_item("conflated", counts.conflated)?;
    out.set_item("dropped", counts.dropped)?;
    Ok(out)
}

/// `{"connections": .., "sent": .., "closes": {"1000": ..}, "by_delivery": {..}, "topics": {name: {..}}, ..}`.
pub(crate) fn stats<'py>(py: Python<'py>, stats: &HubStats, topics: &[TopicStats]) -> PyResult<Bound<'py, PyDict>> {
    let out = tally(py, &stats.tally)?;
    let counters = &stats.counters;
    for (name, count) in [
        ("connections", counters.open),
        ("handshakes", counters.connections.saturating_sub(counters.open)),
        ("accepted", counters.accepted),
        ("opened", counters.opened),
        ("refused_full", counters.refused_full),
        ("refused_handshake", counters.refused_handshake),
        ("handshake_timeouts", counters.handshake_timeouts),
        ("ping_timeouts", counters.ping_timeouts),
        ("pings", counters.pings),
        ("slow_closes", counters.slow_closes),
        ("protocol_errors", counters.protocol_errors),
        ("messages_in", counters.messages_in),
        ("bytes_in", counters.bytes_in),
        ("bytes_out", counters.bytes_out),
        ("published", counters.published),
        ("snapshots", counters.snapshots),
        ("subscriptions", counters.subscriptions),
        ("accept_pauses", counters.accept_pauses),
    ] {
        out.set_item(name, count)?;
    }
    let closes = PyDict::new(py);
    for (code, count) in stats.closes.by_label() {
        closes.set_item(code, count)?;
    }
    out.set_item("closes", closes)?;
    let by_delivery = PyDict::new(py);
    for (class, counts) in Class::ALL.iter().zip(&stats.by_class) {
        by_delivery.set_item(class.name(), tally(py, counts)?)?;
    }
    out.set_item("by_delivery", by_delivery)?;
    let by_topic = PyDict::new(py);
    for topic in topics {
        let counts = tally(py, &topic.tally)?;
        counts.set_item("delivery", topic.class.name())?;
        counts.set_item("published", topic.next_offset)?;
        by_topic.set_item(&topic.name, counts)?;
    }
    out.set_item("topics", by_topic)?;
    Ok(out)
}
