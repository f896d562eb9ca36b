//! The WebSocket hub for Python: settings in, messages in, counters out. No thread of the hub ever attaches to Python.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use deepalpha_io::hub::access::guard::AccessGate;
use deepalpha_io::hub::{Class, Gate, Hub, HubError, metrics, pattern};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyDict;

use crate::error::{Kind, raise};
use crate::feed_process::OfProcess;
use crate::hub_options;
use crate::hub_stats;

/// Up to so many messages are published without letting go of Python: about 10 us.
const SHORT: usize = 16;

/// A hub that runs; see `deepalpha.live.WebSocketManager`.
///
/// Args:
///     options: settings by name; what is not there has its default.
///
/// Raises:
///     HubError: a setting that is unknown or out of bounds, an address that is taken, a certificate that cannot be read.
#[pyclass(name = "Hub", module = "deepalpha._core", frozen)]
pub(crate) struct PyHub {
    hub: OfProcess<Hub>,
    gate: Arc<AccessGate>,
    rules: RwLock<Rules>,
    started: Instant,
    secure: bool,
    capacity: usize,
}

/// How topics that do not exist yet are to be delivered.
#[derive(Default)]
struct Rules {
    /// Patterns in the order they were given; the first that matches holds.
    patterns: Vec<(String, Class, usize)>,
    /// Topics that were looked up.
    seen: HashSet<String>,
}

pub(crate) fn map_error(error: &HubError) -> PyErr {
    let kind = if matches!(error, HubError::Overloaded { .. }) { Kind::HubBusy } else { Kind::Hub };
    raise(kind, error)
}

pub(crate) fn class_of(name: &str) -> PyResult<Class> {
    Class::ALL.into_iter().find(|class| class.name() == name).ok_or_else(|| {
        let known: Vec<&str> = Class::ALL.iter().map(|class| class.name()).collect();
        raise(Kind::Hub, format!("delivery {name:?} is unknown; take {}", known.join(", ")))
    })
}

impl PyHub {
    fn hub(&self) -> PyResult<&Hub> {
        self.hub.get(Kind::Hub, "hub")
    }

    /// Declare a topic by the rules before it is published to for the first time.
    fn prepare(&self, hub: &Hub, topic: &str) -> Result<(), HubError> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        if rules.patterns.is_empty() || rules.seen.contains(topic) {
            return Ok(());
        }
        drop(rules);
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, class, capacity)) = rules.patterns.iter().find(|(wanted, ..)| pattern::matches(wanted, topic)) {
            hub.topic(topic, *class, *capacity)?;
        }
        rules.seen.insert(topic.to_owned());
        Ok(())
    }

    pub(crate) fn send(&self, hub: &Hub, topic: &str, payload: &[u8]) -> Result<u64, HubError> {
        self.prepare(hub, topic)?;
        hub.publish(topic, payload)
    }
}

#[pymethods]
impl PyHub {
    #[new]
    fn new(py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let (config, gate) = hub_options::config(options)?;
        let (secure, capacity) = (config.tls.is_some(), config.default_capacity);
        let hub = py.detach(|| Hub::start(config)).map_err(|error| map_error(&error))?;
        let (rules, started) = (RwLock::default(), Instant::now());
        Ok(Self { hub: OfProcess::new(hub), gate, rules, started, secure, capacity })
    }

    /// The address it listens on.
    #[getter]
    fn address(&self) -> PyResult<(String, u16)> {
        let address = self.hub()?.local_addr();
        Ok((address.ip().to_string(), address.port()))
    }

    /// Whether connections are by TLS.
    #[getter]
    const fn secure(&self) -> bool {
        self.secure
    }

    /// Declare a topic, or all topics of a pattern that are made from now on.
    #[pyo3(signature = (pattern, delivery, capacity = None))]
    fn topic(&self, pattern: &str, delivery: &str, capacity: Option<usize>) -> PyResult<()> {
        let (hub, class) = (self.hub()?, class_of(delivery)?);
        let capacity = capacity.unwrap_or(self.capacity);
        if !pattern::is_wildcard(pattern) {
            return hub.topic(pattern, class, capacity).map_err(|error| map_error(&error));
        }
        pattern::check_pattern(pattern)
            .map_err(|rule| raise(Kind::Hub, format!("topic pattern {pattern:?} is refused: {rule}")))?;
        if !(1..=1 << 20).contains(&capacity) {
            return Err(raise(Kind::Hub, format!("capacity {capacity} of {pattern} is not in 1..=1048576")));
        }
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        rules.patterns.retain(|(known, ..)| known != pattern);
        rules.patterns.push((pattern.to_owned(), class, capacity));
        Ok(())
    }

    /// Send one JSON value to all subscribers of a topic; its offset.
    fn publish(&self, topic: &str, payload: &[u8]) -> PyResult<u64> {
        self.send(self.hub()?, topic, payload).map_err(|error| map_error(&error))
    }

    /// Send messages in order; how many. The first that is refused raises, those before it are sent.
    fn publish_many(&self, py: Python<'_>, messages: Vec<(PyBackedStr, PyBackedBytes)>) -> PyResult<usize> {
        let hub = self.hub()?;
        let publish = || messages.iter().try_for_each(|(topic, payload)| self.send(hub, topic, payload).map(drop));
        let result = if messages.len() <= SHORT { publish() } else { py.detach(publish) };
        result.map(|()| messages.len()).map_err(|error| map_error(&error))
    }

    /// Counters as a dictionary of numbers and, by topic, of dictionaries.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let hub = self.hub()?;
        let (stats, topics) = py.detach(|| (hub.stats(), hub.topic_stats(usize::MAX)));
        hub_stats::stats(py, &stats, &topics)
    }

    /// The counters as Prometheus text.
    fn metrics(&self, py: Python<'_>) -> PyResult<String> {
        let hub = self.hub()?;
        Ok(py.detach(|| {
            metrics::render(&metrics::Figures {
                stats: hub.stats(),
                topics: hub.topic_stats(metrics::TOPICS_SHOWN),
                rejections: self.gate.rejections(),
                uptime_nanos: u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX),
            })
        }))
    }

    /// Flush, close every connection with 1001 and end, within `timeout` seconds; a second call does nothing.
    fn shutdown(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let hub = self.hub()?;
        let timeout = Duration::try_from_secs_f64(timeout)
            .map_err(|_| raise(Kind::Hub, format!("timeout {timeout} is no time in seconds; pass 0 or more")))?;
        py.detach(|| hub.shutdown(timeout));
        Ok(())
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyHub>()
}
