//! The stream processor for Python: raw messages in, batches of columns out.

use std::io::BufRead;
use std::sync::{Mutex, MutexGuard, PoisonError};

use deepalpha_engine::stream::parse::recording;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};

use crate::arrow_batch::Batch;
use crate::stream_book::BookReport;
use crate::stream_counters::Report;
use crate::stream_options::{self, KINDS, kind_of, refuse};
use crate::stream_pipeline::{Full, Pipeline};

/// Raw messages of one venue to trades, quotes, bars, indicators and events; see `deepalpha.market.StreamProcessor`.
#[pyclass(name = "StreamProcessor", module = "deepalpha._core", frozen)]
pub(crate) struct PyStreamProcessor {
    pipeline: Mutex<Pipeline>,
}

impl PyStreamProcessor {
    fn lock(&self) -> MutexGuard<'_, Pipeline> {
        // Nothing in a pipeline panics; what a panic of its caller leaves is whole.
        self.pipeline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch of a table, if there is a row.
pub(crate) fn fetch(pipeline: &mut Pipeline, kind: usize, most: Option<usize>) -> PyResult<Option<Batch>> {
    let slice = pipeline.fetch(kind, most.unwrap_or(usize::MAX))?;
    let name = KINDS.get(kind).copied().unwrap_or_default();
    Ok(slice.map(|slice| Batch::of(name, slice)))
}

/// The line that begins `rest`, its newline included; none at the end or, unless `whole`, where it has not ended.
fn first_line(rest: &[u8], whole: bool) -> Option<&[u8]> {
    // The system's own search for a byte, which takes many at a time; slices have none of the kind.
    let length = (&mut &*rest).skip_until(b'\n').unwrap_or(0);
    let line = rest.get(..length)?;
    (!line.is_empty() && (whole || line.ends_with(b"\n"))).then_some(line)
}

/// Lines `<nanoseconds> <message>` into a pipeline; how many bytes were taken in.
fn lines(pipeline: &mut Pipeline, data: &[u8], whole: bool) -> usize {
    let mut taken = 0;
    while let Some(line) = first_line(data.get(taken..).unwrap_or_default(), whole) {
        let result = match recording::line(line) {
            Ok((ts_init, payload)) => pipeline.message(0, payload, ts_init.0),
            Err(_) if line.trim_ascii().is_empty() => Ok(()),
            Err(error) => pipeline.unreadable(0, error.to_string()),
        };
        if let Err(Full) = result {
            break;
        }
        taken += line.len();
    }
    taken
}

#[pymethods]
impl PyStreamProcessor {
    #[new]
    #[pyo3(signature = (symbols, **settings))]
    fn new(py: Python<'_>, symbols: Vec<String>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let pipeline = Pipeline::new(stream_options::settings(&together(py, symbols, settings)?)?)?;
        Ok(Self { pipeline: Mutex::new(pipeline) })
    }

    /// A processor from `snapshot()`'s bytes and the settings of the one that was saved.
    #[staticmethod]
    #[pyo3(signature = (snapshot, symbols, **settings))]
    fn restore(
        py: Python<'_>,
        snapshot: &[u8],
        symbols: Vec<String>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let settings = stream_options::settings(&together(py, symbols, settings)?)?;
        Ok(Self { pipeline: Mutex::new(Pipeline::restore(settings, snapshot)?) })
    }

    /// Take recorded lines in: `<nanoseconds of receipt> <message>` each.
    ///
    /// Args:
    ///     data: whole lines; a last one without its newline waits for the next call, unless `final`.
    ///
    /// Returns:
    ///     Bytes taken in. Less than all the whole lines means that a table is full: poll, then give the rest.
    #[pyo3(signature = (data, *, r#final = false))]
    fn feed_lines(&self, py: Python<'_>, data: PyBackedBytes, r#final: bool) -> usize {
        py.detach(|| lines(&mut self.lock(), &data, r#final))
    }

    /// Take messages in.
    ///
    /// Args:
    ///     messages: as the venue sent them.
    ///     ts_init: int64 UTC ns, when each was received.
    ///     connection: number of the connection they came by.
    ///
    /// Returns:
    ///     How many were taken in. Less than all means that a table is full: poll, then give the rest.
    #[pyo3(signature = (messages, ts_init, *, connection = 0))]
    fn feed_many(
        &self,
        py: Python<'_>,
        messages: Vec<PyBackedBytes>,
        ts_init: PyReadonlyArray1<'_, i64>,
        connection: u32,
    ) -> PyResult<usize> {
        let times = ts_init.as_array().to_vec();
        if times.len() != messages.len() {
            let (count, times) = (messages.len(), times.len());
            return Err(refuse(format!("{count} messages and {times} times of receipt; give one time a message")));
        }
        Ok(py.detach(|| {
            let mut pipeline = self.lock();
            let each = messages.iter().zip(&times);
            each.take_while(|(message, time)| pipeline.message(connection, message, **time).is_ok()).count()
        }))
    }

    /// It is `now` (UTC ns): bars whose time is over close, silent feeds are told. False when a table is full: poll first.
    fn advance(&self, py: Python<'_>, now: i64) -> bool {
        py.detach(|| self.lock().advance(now).is_ok())
    }

    /// The stream has ended: what waits is decided, and the bars that form are given out as partial.
    fn finish(&self, py: Python<'_>) {
        py.detach(|| self.lock().finish());
    }

    /// The next rows of a kind, `max` at most; None when there is none.
    #[pyo3(signature = (kind, max = None))]
    fn poll_batch(&self, py: Python<'_>, kind: &str, max: Option<usize>) -> PyResult<Option<Batch>> {
        let kind = kind_of(kind)?;
        py.detach(|| fetch(&mut self.lock(), kind, max))
    }

    /// Exact counts, as nested dictionaries; `received == ok + duplicate + late + bad + quarantined + waiting`.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        py.detach(|| Report::of(&self.lock())).into_dict(py)
    }

    /// The book of a symbol of `books`: state, why, last_update, bids and asks (price and quantity as integers of 1e-8,
    /// best first, `levels` at most), counts.
    #[pyo3(signature = (symbol, levels = 10))]
    fn book<'py>(&self, py: Python<'py>, symbol: &str, levels: usize) -> PyResult<Bound<'py, PyDict>> {
        py.detach(|| BookReport::of(&self.lock(), symbol, levels))?.into_dict(py)
    }

    /// The whole state as bytes for `restore`, in this or another process.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.lock().snapshot())?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Kinds of batches it makes.
    #[getter]
    fn kinds(&self, py: Python<'_>) -> Vec<&'static str> {
        let wanted = py.detach(|| self.lock().settings().kinds);
        KINDS.into_iter().zip(wanted).filter_map(|(kind, wanted)| wanted.then_some(kind)).collect()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        py.detach(|| {
            let pipeline = self.lock();
            let settings = pipeline.settings();
            let symbols = settings.terms.len();
            format!("StreamProcessor({}, {symbols} symbols, bars {})", settings.venue.name(), settings.bars.join(", "))
        })
    }
}

/// Symbols and settings in one dictionary.
pub(crate) fn together<'py>(
    py: Python<'py>,
    symbols: Vec<String>,
    settings: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let all = settings.map_or_else(|| Ok(PyDict::new(py)), |given| given.copy())?;
    all.set_item("symbols", symbols)?;
    Ok(all)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyStreamProcessor>()
}
