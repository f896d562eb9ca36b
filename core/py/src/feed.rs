//! Live feeds for Python: connections on threads of their own, whose messages become batches (`LiveStream`) or wait as
//! a hub's records (`MessageFeed`). No feed's thread ever attaches to Python.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use deepalpha_io::client::hub::{HubReader, RecordQueue};
use deepalpha_io::client::{
    Feed, FeedConfig, FeedEvent, FeedHandle, FeedSink, FeedStats, Kind as Meaning, system_clock,
};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};

use crate::arrow_batch::Batch;
use crate::error::{Kind, raise};
use crate::feed_connection::{self, Events, Happened};
use crate::feed_process::OfProcess;
use crate::feed_wake::{Content, Shared, timeout};
use crate::stream::{fetch, together};
use crate::stream_book::BookReport;
use crate::stream_counters::Report;
use crate::stream_options::{self, kind_of};
use crate::stream_pipeline::{Full, Pipeline};

/// How often bars are closed whose time is over.
const CLOCK: Duration = Duration::from_millis(50);
/// Connections of one feed are numbered within so many bits; the feed's number stands above.
const CONNECTION_BITS: u32 = 24;

/// The number of the connection of what the caller gives.
const GIVEN: u32 = u32::MAX;

/// Feeds that run, and what stops them.
pub(crate) struct Running {
    feeds: Mutex<Vec<FeedHandle>>,
}

impl Running {
    pub(crate) fn start(kind: Kind, feeds: Vec<(FeedConfig, Arc<dyn FeedSink>)>) -> PyResult<Self> {
        let started = feeds.into_iter().map(|(config, sink)| Feed::start(config, sink));
        let feeds = started.collect::<Result<Vec<_>, _>>().map_err(|error| raise(kind, error))?;
        Ok(Self { feeds: Mutex::new(feeds) })
    }

    /// Close the connections and wait for the threads. Python must be detached.
    pub(crate) fn stop(&self) -> Result<(), String> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let ends: Vec<Result<(), String>> =
            feeds.iter_mut().map(|feed| feed.stop().map_err(|error| error.to_string())).collect();
        ends.into_iter().collect()
    }

    pub(crate) fn stats(&self) -> Vec<FeedStats> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner).iter().map(FeedHandle::stats).collect()
    }
}

/// A pipeline that connections fill.
struct Live {
    pipeline: Pipeline,
    events: Events,
    closed: bool,
}

impl Content for Live {
    fn is_idle(&self) -> bool {
        self.pipeline.is_empty() && self.events.is_empty() && !self.closed
    }
}

struct StreamSink {
    shared: Arc<Shared<Live>>,
    /// The feed's number, above the connection's.
    connections: u32,
}

impl FeedSink for StreamSink {
    fn message(&self, connection: u32, ts_init_ns: i64, payload: &[u8]) {
        let connection = connection | self.connections;
        self.shared.wait_for_room(|live| match live.pipeline.message(connection, payload, ts_init_ns) {
            Err(Full) if !live.closed => None,
            _ => Some(()),
        });
    }

    fn event(&self, event: FeedEvent) {
        self.shared.with(|live| live.events.push(Happened::of(event, self.connections)));
    }
}

/// Calls `tick` now and then until it is dropped.
struct Clock {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    fn start(tick: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel::<()>(1);
        let body = move || {
            while stopped.recv_timeout(CLOCK) == Err(RecvTimeoutError::Timeout) {
                tick();
            }
        };
        let thread = std::thread::Builder::new().name("deepalpha-clock".to_owned()).spawn(body)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A tick that panicked has ended; there is nothing to add to what the feed says.
            let _ = thread.join();
        }
    }
}

/// What belongs to the process that started it.
struct LiveParts {
    shared: Arc<Shared<Live>>,
    running: Running,
    clock: Mutex<Option<Clock>>,
}

impl LiveParts {
    fn stop(&self) -> Result<(), String> {
        self.shared.take(|live| live.closed = true);
        drop(self.clock.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.running.stop()
    }
}

impl Drop for LiveParts {
    fn drop(&mut self) {
        // The error was for a caller of `stop`.
        let _ = self.stop();
    }
}

/// A stream over WebSocket connections; see `deepalpha.market.Feed.live`.
#[pyclass(name = "LiveStream", module = "deepalpha._core", frozen)]
struct PyLiveStream {
    parts: OfProcess<LiveParts>,
}

impl PyLiveStream {
    fn parts(&self) -> PyResult<&LiveParts> {
        self.parts.get(Kind::MarketData, "feed")
    }
}

#[pymethods]
impl PyLiveStream {
    #[new]
    #[pyo3(signature = (symbols, connections, **settings))]
    fn new(
        py: Python<'_>,
        symbols: Vec<String>,
        connections: Vec<Bound<'_, PyDict>>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let settings = stream_options::settings(&together(py, symbols, settings)?)?;
        let configs = connections.iter().map(|given| feed_connection::config(Kind::MarketData, given));
        let configs = configs.collect::<PyResult<Vec<_>>>()?;
        let live = Live { pipeline: Pipeline::new(settings)?, events: Events::default(), closed: false };
        let shared = Arc::new(Shared::new(live)?);
        let ticking = Arc::clone(&shared);
        let now = system_clock();
        let clock = Clock::start(move || {
            // A full table needs no tick: what closes now closes after the next poll.
            let _full = ticking.with(|live| live.pipeline.advance(now()));
        });
        let clock = clock.map_err(|error| raise(Kind::MarketData, format!("no thread for a feed's clock: {error}")))?;
        let feeds = (0_u32..).zip(configs).map(|(number, config)| {
            let sink = StreamSink { shared: Arc::clone(&shared), connections: number << CONNECTION_BITS };
            (config, Arc::new(sink) as Arc<dyn FeedSink>)
        });
        let running = Running::start(Kind::MarketData, feeds.collect())?;
        Ok(Self { parts: OfProcess::new(LiveParts { shared, running, clock: Mutex::new(Some(clock)) }) })
    }

    /// The next rows of a kind, `max` at most; None when there is none now.
    #[pyo3(signature = (kind, max = None))]
    fn poll_batch(&self, py: Python<'_>, kind: &str, max: Option<usize>) -> PyResult<Option<Batch>> {
        let (kind, parts) = (kind_of(kind)?, self.parts()?);
        py.detach(|| parts.shared.take(|live| fetch(&mut live.pipeline, kind, max)))
    }

    /// The book of a symbol; see `StreamProcessor.book`.
    #[pyo3(signature = (symbol, levels = 10))]
    fn book<'py>(&self, py: Python<'py>, symbol: &str, levels: usize) -> PyResult<Bound<'py, PyDict>> {
        let parts = self.parts()?;
        py.detach(|| parts.shared.take(|live| BookReport::of(&live.pipeline, symbol, levels)))?.into_dict(py)
    }

    /// Take in a message that came another way, such as the answer to a request for a book's snapshot; False when a table
    /// is full: poll first.
    fn give(&self, py: Python<'_>, message: PyBackedBytes, ts_init: i64) -> PyResult<bool> {
        let parts = self.parts()?;
        Ok(py.detach(|| parts.shared.with(|live| live.pipeline.message(GIVEN, &message, ts_init).is_ok())))
    }

    /// Wait, detached from Python, for `timeout` seconds at most (None: without end); whether there is something.
    #[pyo3(signature = (timeout = None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.parts()?.shared.wait(py, self::timeout(timeout)?)
    }

    /// A descriptor that is readable while there is something.
    fn fileno(&self) -> PyResult<i32> {
        Ok(self.parts()?.shared.fileno())
    }

    /// What happened to the connections since the last time, oldest first.
    fn connection_events<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let parts = self.parts()?;
        let events = py.detach(|| parts.shared.take(|live| live.events.take()));
        feed_connection::dicts(py, events)
    }

    /// As `StreamProcessor.counters`, and `connections`: those of each feed.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let parts = self.parts()?;
        let (report, events, stats) = py.detach(|| {
            let (report, events) = parts.shared.with(|live| (Report::of(&live.pipeline), live.events.dropped()));
            (report, events, parts.running.stats())
        });
        let out = report.into_dict(py)?;
        let stats = stats.iter().map(|stats| feed_connection::stats(py, stats)).collect::<PyResult<Vec<_>>>()?;
        out.set_item("connections", stats)?;
        out.set_item("events_dropped", events)?;
        Ok(out)
    }

    /// Close the connections and wait for their threads; a second call does nothing.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let parts = self.parts()?;
        py.detach(|| parts.stop()).map_err(|error| raise(Kind::MarketData, error))
    }
}

/// Records that wait for Python.
struct Inbox {
    reader: HubReader,
    queue: RecordQueue,
    events: Events,
    closed: bool,
}

impl Content for Inbox {
    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.events.is_empty() && !self.closed
    }
}

struct InboxSink(Arc<Shared<Inbox>>);

impl FeedSink for InboxSink {
    fn message(&self, connection: u32, ts_init_ns: i64, payload: &[u8]) {
        self.0.with(|Inbox { reader, queue, .. }| {
            reader.read(connection, payload, |record| queue.push(connection, ts_init_ns, record));
        });
    }

    fn event(&self, event: FeedEvent) {
        self.0.with(|inbox| inbox.events.push(Happened::of(event, 0)));
    }

    fn subscriptions(&self, connection: u32, _fixed: &[String]) -> Vec<String> {
        self.0.with(|inbox| inbox.reader.subscriptions(connection))
    }

    fn kind(&self, payload: &[u8]) -> Meaning {
        HubReader::kind(payload)
    }
}

struct MessageParts {
    shared: Arc<Shared<Inbox>>,
    running: Running,
}

impl MessageParts {
    fn stop(&self) -> Result<(), String> {
        self.shared.take(|inbox| inbox.closed = true);
        self.running.stop()
    }
}

impl Drop for MessageParts {
    fn drop(&mut self) {
        // The error was for a caller of `stop`.
        let _ = self.stop();
    }
}

/// Messages of a hub's topics; see `deepalpha.live.Subscription`.
#[pyclass(name = "MessageFeed", module = "deepalpha._core", frozen)]
struct PyMessageFeed {
    parts: OfProcess<MessageParts>,
}

impl PyMessageFeed {
    fn parts(&self) -> PyResult<&MessageParts> {
        self.parts.get(Kind::Hub, "subscription")
    }
}

#[pymethods]
impl PyMessageFeed {
    #[new]
    #[pyo3(signature = (connection, *, max_messages = 65_536, max_bytes = 64 << 20, max_topics = 16_384))]
    fn new(connection: &Bound<'_, PyDict>, max_messages: usize, max_bytes: usize, max_topics: usize) -> PyResult<Self> {
        let config = feed_connection::config(Kind::Hub, connection)?;
        let reader = HubReader::new(&config.subscriptions, max_topics).map_err(|error| raise(Kind::Hub, error))?;
        let queue = RecordQueue::new(max_messages, max_bytes);
        let inbox = Inbox { reader, queue, events: Events::default(), closed: false };
        let shared = Arc::new(Shared::new(inbox)?);
        let sink = Arc::new(InboxSink(Arc::clone(&shared))) as Arc<dyn FeedSink>;
        let running = Running::start(Kind::Hub, vec![(config, sink)])?;
        Ok(Self { parts: OfProcess::new(MessageParts { shared, running }) })
    }

    /// The next records of the hub, `max` at most: (connection, ts_init, payload). Each offset of a topic comes once and
    /// in order, as a message or within a gap.
    fn take<'py>(&self, py: Python<'py>, max: usize) -> PyResult<Vec<(u32, i64, Bound<'py, PyBytes>)>> {
        let parts = self.parts()?;
        let taken = py.detach(|| parts.shared.take(|inbox| inbox.queue.take(max)));
        let one = |(connection, time, payload): (u32, i64, Vec<u8>)| (connection, time, PyBytes::new(py, &payload));
        Ok(taken.into_iter().map(one).collect())
    }

    /// As `LiveStream.wait`.
    #[pyo3(signature = (timeout = None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.parts()?.shared.wait(py, self::timeout(timeout)?)
    }

    /// As `LiveStream.fileno`.
    fn fileno(&self) -> PyResult<i32> {
        Ok(self.parts()?.shared.fileno())
    }

    /// As `LiveStream.connection_events`.
    fn connection_events<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let parts = self.parts()?;
        let events = py.detach(|| parts.shared.take(|inbox| inbox.events.take()));
        feed_connection::dicts(py, events)
    }

    /// Counters of the connections; `dropped`: records that nobody fetched in time; `duplicates`: records that had come
    /// before; `missed`: messages the hub held no more; `restarts`: of the hub; `topics` that are followed.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let parts = self.parts()?;
        let ((counts, topics, dropped), stats) = py.detach(|| {
            let read = |inbox: &mut Inbox| (inbox.reader.counts(), inbox.reader.topics(), inbox.queue.dropped());
            (parts.shared.with(read), parts.running.stats())
        });
        let out = feed_connection::stats(py, &stats.first().copied().unwrap_or_default())?;
        for (name, count) in [
            ("dropped", dropped),
            ("duplicates", counts.duplicates),
            ("missed", counts.missed),
            ("restarts", counts.restarts),
            ("untracked", counts.untracked),
            ("topics", topics as u64),
        ] {
            out.set_item(name, count)?;
        }
        Ok(out)
    }

    /// Close the connection and wait for its thread; a second call does nothing.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let parts = self.parts()?;
        py.detach(|| parts.stop()).map_err(|error| raise(Kind::Hub, error))
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyLiveStream>()?;
    module.add_class::<PyMessageFeed>()
}
