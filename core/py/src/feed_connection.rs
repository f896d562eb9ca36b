//! Settings and events of client connections, for Python.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use deepalpha_io::client::{
    ConnectionConfig, Endpoint, FeedConfig, FeedEvent, FeedStats, Roots, RotationReason, system_clock,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Kind, raise};
use crate::feed_options::Options;

/// Events that wait for Python; older ones go, counted.
const MOST_EVENTS: usize = 4_096;

/// Read the settings of a connection.
pub(crate) fn config(kind: Kind, given: &Bound<'_, PyDict>) -> PyResult<FeedConfig> {
    let refuse = |error: &dyn std::fmt::Display| raise(kind, error);
    let mut options = Options::of(given, (kind, "connection setting"))?;
    let url: String = options.take("url")?.unwrap_or_default();
    let endpoint: Endpoint = url.parse().map_err(|error| refuse(&error))?;
    let mut connection = ConnectionConfig::new(endpoint);
    options.set("headers", &mut connection.headers)?;
    options.set("protocols", &mut connection.protocols)?;
    options.set("deflate", &mut connection.deflate)?;
    options.set("max_message", &mut connection.limits.max_message)?;
    let mut set = |name, slot: &mut Duration| -> PyResult<()> {
        if let Some(milliseconds) = options.take(name)? {
            *slot = Duration::from_millis(milliseconds);
        }
        Ok(())
    };
    set("connect_timeout_ms", &mut connection.connect_timeout)?;
    set("ping_interval_ms", &mut connection.ping_interval)?;
    set("pong_timeout_ms", &mut connection.pong_timeout)?;
    set("idle_timeout_ms", &mut connection.idle_timeout)?;
    set("close_timeout_ms", &mut connection.close_timeout)?;
    let mut config = FeedConfig::new(connection, Vec::new());
    set("acknowledgement_timeout_ms", &mut config.acknowledgement_timeout)?;
    set("backoff_base_ms", &mut config.backoff_base)?;
    set("backoff_cap_ms", &mut config.backoff_cap)?;
    set("stable_after_ms", &mut config.stable_after)?;
    set("max_age_ms", &mut config.max_age)?;
    set("overlap_ms", &mut config.overlap)?;
    options.set("subscribe", &mut config.subscriptions)?;
    options.set("await_acknowledgements", &mut config.await_acknowledgements)?;
    options.set("subscriptions_per_second", &mut config.subscriptions_per_second)?;
    options.set("subscription_burst", &mut config.subscription_burst)?;
    // Two programs that lost the same server must not come back at the same moments.
    let here = u64::from(std::process::id()).rotate_left(32) ^ (system_clock()() as u64);
    config.jitter_seed = options.take("jitter_seed")?.unwrap_or(here);
    if let Some(path) = options.take::<PathBuf>("ca_file")? {
        let pem = std::fs::read(&path)
            .map_err(|error| refuse(&format!("certificate file {} cannot be read: {error}", path.display())))?;
        config.roots = Roots::Pem(pem);
    }
    options.end()?;
    config.check().map_err(|error| refuse(&error))?;
    Ok(config)
}

/// What happened to a connection, in words.
#[derive(Debug)]
pub(crate) struct Happened {
    event: &'static str,
    connection: u32,
    to: Option<u32>,
    why: Option<String>,
    retry_in: Option<Duration>,
    ts_init: i64,
}

impl Happened {
    pub(crate) fn of(event: FeedEvent, connections: u32) -> Self {
        let blank = Self { event: "", connection: 0, to: None, why: None, retry_in: None, ts_init: system_clock()() };
        let mut made = match event {
            FeedEvent::Connected { connection } => Self { event: "connected", connection, ..blank },
            FeedEvent::Subscribed { connection, .. } => Self { event: "subscribed", connection, ..blank },
            FeedEvent::Rotating { from, to, why } => {
                let why = match why {
                    RotationReason::Age => "greatest age reached",
                    RotationReason::Announced => "the server announced its end",
                    RotationReason::Retry => "the successor before failed",
                };
                Self { event: "rotating", connection: from, to: Some(to), why: Some(why.to_owned()), ..blank }
            }
            FeedEvent::Rotated { from, to } => Self { event: "rotated", connection: from, to: Some(to), ..blank },
            FeedEvent::Disconnected { connection, why, retry_in } => {
                Self { event: "disconnected", connection, why: Some(why.to_string()), retry_in, ..blank }
            }
            FeedEvent::Closed { connection } => Self { event: "closed", connection, ..blank },
        };
        made.connection |= connections;
        made.to = made.to.map(|to| to | connections);
        made
    }

    fn into_dict(self, py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let out = PyDict::new(py);
        out.set_item("event", self.event)?;
        out.set_item("connection", self.connection)?;
        out.set_item("to", self.to)?;
        out.set_item("why", self.why)?;
        out.set_item("retry_in_s", self.retry_in.map(|delay| delay.as_secs_f64()))?;
        out.set_item("ts_init", self.ts_init)?;
        Ok(out)
    }
}

/// Events in the order they happened.
#[derive(Default)]
pub(crate) struct Events {
    queue: VecDeque<Happened>,
    dropped: u64,
}

impl Events {
    pub(crate) fn push(&mut self, happened: Happened) {
        if self.queue.len() >= MOST_EVENTS {
            self.queue.pop_front();
            self.dropped += 1;
        }
        self.queue.push_back(happened);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn take(&mut self) -> VecDeque<Happened> {
        std::mem::take(&mut self.queue)
    }

    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// As a list of dictionaries.
pub(crate) fn dicts(py: Python<'_>, events: VecDeque<Happened>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    events.into_iter().map(|happened| happened.into_dict(py)).collect()
}

/// Counters of a feed.
pub(crate) fn stats<'py>(py: Python<'py>, stats: &FeedStats) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, count) in [
        ("attempts", stats.attempts),
        ("failures", stats.failures),
        ("connections", stats.connections),
        ("disconnections", stats.disconnections),
        ("closed", stats.closed),
        ("rotations", stats.rotations),
        ("subscriptions", stats.subscriptions),
        ("messages", stats.messages),
        ("bytes", stats.bytes),
    ] {
        out.set_item(name, count)?;
    }
    Ok(out)
}
