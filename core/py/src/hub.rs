//! The WebSocket hub for Python: settings in, messages in, counters out. No thread of the hub ever attaches to Python.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deepalpha_io::hub::access::guard::AccessGate;
use deepalpha_io::hub::{Class, Gate, Hub, HubError, metrics, pattern};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyDict;

use crate::error::{Kind, raise};
use crate::feed::Running;
use crate::feed_connection;
use crate::feed_process::OfProcess;
use crate::hub_options;
use crate::hub_relay::{Relay, RelayCounts};
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
    parts: OfProcess<Parts>,
    gate: Arc<AccessGate>,
    started: Instant,
    secure: bool,
    capacity: usize,
}

/// What belongs to the process that started it. The relays stand first: they end before the hub does.
struct Parts {
    relays: Mutex<BTreeMap<String, (Running, Arc<RelayCounts>)>>,
    hub: Arc<Hub>,
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
    fn parts(&self) -> PyResult<&Parts> {
        self.parts.get(Kind::Hub, "hub")
    }

    fn hub(&self) -> PyResult<&Hub> {
        Ok(&self.parts()?.hub)
    }
}

impl Parts {
    fn relays(&self) -> MutexGuard<'_, BTreeMap<String, (Running, Arc<RelayCounts>)>> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyHub {
    #[new]
    fn new(py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let (config, gate) = hub_options::config(options)?;
        let (secure, capacity) = (config.tls.is_some(), config.default_capacity);
        let hub = py.detach(|| Hub::start(config)).map_err(|error| map_error(&error))?;
        let parts = Parts { relays: Mutex::default(), hub: Arc::new(hub) };
        Ok(Self { parts: OfProcess::new(parts), gate, started: Instant::now(), secure, capacity })
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
        let declared = if pattern::is_wildcard(pattern) {
            hub.rule(pattern, class, capacity)
        } else {
            hub.topic(pattern, class, capacity)
        };
        declared.map_err(|error| map_error(&error))
    }

    /// Send one JSON value to all subscribers of a topic; its offset.
    fn publish(&self, topic: &str, payload: &[u8]) -> PyResult<u64> {
        self.hub()?.publish(topic, payload).map_err(|error| map_error(&error))
    }

    /// Send messages in order; how many. The first that is refused raises, those before it are sent.
    fn publish_many(&self, py: Python<'_>, messages: Vec<(PyBackedStr, PyBackedBytes)>) -> PyResult<usize> {
        let hub = self.hub()?;
        let publish = || messages.iter().try_for_each(|(topic, payload)| hub.publish(topic, payload).map(drop));
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
        let parts = self.parts()?;
        let timeout = Duration::try_from_secs_f64(timeout)
            .map_err(|_| raise(Kind::Hub, format!("timeout {timeout} is no time in seconds; pass 0 or more")))?;
        py.detach(|| {
            let relays = std::mem::take(&mut *parts.relays());
            drop(relays);
            parts.hub.shutdown(timeout);
        });
        Ok(())
    }

    /// Keep a connection to a server and send its messages on; see `WebSocketManager.add_connection`.
    fn add_connection(
        &self,
        py: Python<'_>,
        id: String,
        connection: &Bound<'_, PyDict>,
        topic: String,
        routes: HashMap<String, String>,
    ) -> PyResult<()> {
        let parts = self.parts()?;
        for name in routes.values().chain([&topic]) {
            pattern::check_name(name)
                .map_err(|rule| raise(Kind::Hub, format!("topic {name:?} of connection {id} is refused: {rule}")))?;
        }
        let config = feed_connection::config(Kind::Hub, connection)?;
        py.detach(|| {
            let mut relays = parts.relays();
            if relays.contains_key(&id) {
                return Err(raise(Kind::Hub, format!("connection {id} is there already; remove it first")));
            }
            let counts = Arc::new(RelayCounts::default());
            let hub = Arc::clone(&parts.hub);
            let relay = Relay { hub, topic, routes, counts: Arc::clone(&counts) };
            relays.insert(id, (Running::start(Kind::Hub, vec![(config, Arc::new(relay))])?, counts));
            Ok(())
        })
    }

    /// Close a connection; whether there was one.
    fn remove_connection(&self, py: Python<'_>, id: &str) -> PyResult<bool> {
        let parts = self.parts()?;
        Ok(py.detach(|| {
            let relay = parts.relays().remove(id);
            relay.is_some()
        }))
    }

    /// By id: counters, and `events`: what happened since the last time.
    fn connections<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let parts = self.parts()?;
        let found: Vec<_> = py.detach(|| {
            let relays = parts.relays();
            let one = |(id, (running, counts)): (&String, &(Running, Arc<RelayCounts>))| {
                let events = counts.events.lock().unwrap_or_else(PoisonError::into_inner).take();
                let (published, refused) = (&counts.published, &counts.refused);
                let counts = (published.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
                (id.clone(), running.stats(), counts, events)
            };
            relays.iter().map(one).collect()
        });
        let out = PyDict::new(py);
        for (id, stats, (published, refused), events) in found {
            let one = feed_connection::stats(py, &stats.first().copied().unwrap_or_default())?;
            one.set_item("published", published)?;
            one.set_item("refused", refused)?;
            one.set_item("events", feed_connection::dicts(py, events)?)?;
            out.set_item(id, one)?;
        }
        Ok(out)
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyHub>()
}
