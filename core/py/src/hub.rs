//! The WebSocket hub for Python: settings in, messages in, counters out. No thread of the hub ever attaches to Python.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deepalpha_io::hub::{Class, Hub, HubError};
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
    stopping: Mutex<()>,
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
}

#[pymethods]
impl PyHub {
    #[new]
    fn new(py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let config = hub_options::config(options)?;
        let hub = py.detach(|| Hub::start(config)).map_err(|error| map_error(&error))?;
        Ok(Self { hub: OfProcess::new(hub), stopping: Mutex::new(()) })
    }

    /// The address it listens on.
    #[getter]
    fn address(&self) -> PyResult<(String, u16)> {
        let address = self.hub()?.local_addr();
        Ok((address.ip().to_string(), address.port()))
    }

    /// Declare a topic, or all topics of a pattern that are made from now on.
    #[pyo3(signature = (pattern, delivery, capacity = None))]
    fn topic(&self, pattern: &str, delivery: &str, capacity: Option<usize>) -> PyResult<()> {
        self.hub()?.topic(pattern, class_of(delivery)?, capacity).map_err(|error| map_error(&error))
    }

    /// Send one JSON value to all subscribers of a topic; its offset.
    fn publish(&self, topic: &str, payload: &[u8]) -> PyResult<u64> {
        self.hub()?.publish(topic, payload).map_err(|error| map_error(&error))
    }

    /// Send messages in order; the offset of each. The first that is refused ends it, those before it are sent.
    fn publish_many(&self, py: Python<'_>, messages: Vec<(PyBackedStr, PyBackedBytes)>) -> PyResult<Vec<u64>> {
        let hub = self.hub()?;
        let borrowed: Vec<(&str, &[u8])> =
            messages.iter().map(|(topic, payload)| (&**topic, &**payload)).collect();
        let publish = || hub.publish_many(&borrowed);
        let result = if borrowed.len() <= SHORT { publish() } else { py.detach(publish) };
        result.map_err(|error| map_error(&error))
    }

    /// Counters as a dictionary of numbers and, by topic, of dictionaries.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        hub_stats::stats(py, &self.hub()?.stats())
    }

    /// Flush, close every connection with 1001 and end, within `timeout` seconds; a second call does nothing.
    fn shutdown(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let hub = self.hub()?;
        let timeout = Duration::try_from_secs_f64(timeout)
            .map_err(|_| raise(Kind::Hub, format!("timeout {timeout} is no time in seconds; pass 0 or more")))?;
        py.detach(|| {
            let _one_at_a_time = self.stopping.lock().unwrap_or_else(PoisonError::into_inner);
            hub.shutdown(timeout);
        });
        Ok(())
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyHub>()
}
