//! The hub's handle and its acceptor.
//!
//! The acceptor only accepts: it hands sockets to the shards in turn, turns away what is too much, and pauses when file
//! descriptors run out (one is kept in reserve to say so instead of spinning). Publishing goes straight to the topics.
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{self, Runtime};
use tokio::sync::Notify;

use super::config::{HubConfig, within};
use super::error::HubError;
use super::log::{Class, Tally};
use super::pattern::check_pattern;
use super::shard;
use super::shared::{Audit, CloseStats, Command, CounterStats, LatencyStats, Shared, nanos};
use super::topic::Framing;
use crate::ws::Rejection;

/// Connections the kernel holds until they are accepted.
const BACKLOG: u32 = 4_096;
/// Refused sockets kept open for a moment, so that their peers can read why.
const LINGERING: usize = 64;
/// Pause of accepting when file descriptors ran out.
const PAUSE: Duration = Duration::from_millis(50);

/// A running hub; dropping it shuts it down within two seconds.
pub struct Hub {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Arc<Notify>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The hub's counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubStats {
    /// Connections, bytes, refusals.
    pub counters: CounterStats,
    /// WebSocket connections that ended, by close code.
    pub closes: CloseStats,
    /// Messages owed and what became of them, all topics.
    pub tally: Tally,
    /// The same by class, in the order of [`Class::ALL`].
    pub by_class: [Tally; 3],
    /// From publish to written to every reader that keeps up, by class.
    pub latency: [LatencyStats; 3],
    /// Duration of a publish.
    pub publish_latency: LatencyStats,
    /// Topics.
    pub topics: usize,
}

/// One topic's counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicStats {
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// Offset the next message gets: messages published so far.
    pub next_offset: u64,
    /// Messages owed and what became of them.
    pub tally: Tally,
}

/// How far a list was published.
#[derive(Debug)]
pub struct Published {
    /// Messages accepted: the first so many of the list.
    pub accepted: usize,
    /// Why the next one was not.
    pub refused: Option<HubError>,
}

impl Hub {
    /// Binds, starts the threads and returns once connections are accepted.
    ///
    /// # Errors
    /// A setting outside its bounds, an address that cannot be bound (the port is named), a thread that cannot start.
    pub fn start(config: HubConfig) -> Result<Self, HubError> {
        let config = config.checked()?;
        let started = |name: &str, source| HubError::Start { name: name.to_owned(), source };
        let runtime = local_runtime().map_err(|source| started("hub-accept", source))?;
        let asked = config.address;
        let listener = {
            let _inside = runtime.enter();
            listen(&config).map_err(|source| HubError::Bind { address: asked, source })?
        };
        let address = listener.local_addr().map_err(|source| HubError::Bind { address: asked, source })?;
        let spare = File::open("/dev/null").map_err(|source| started("hub-accept", source))?;
        let shards = config.shards;
        let shared = Arc::new(Shared::new(config, new_epoch()?));
        let stop = Arc::new(Notify::new());
        let hub = Self { shared, address, stop, threads: Mutex::default() };
        for index in 0..shards {
            let name = format!("hub-shard-{index}");
            let runtime = local_runtime().map_err(|source| started(&name, source))?;
            let shared = Arc::clone(&hub.shared);
            hub.thread(&name, move || shard::run(&shared, index, &runtime))?;
        }
        let (shared, stop) = (Arc::clone(&hub.shared), Arc::clone(&hub.stop));
        hub.thread("hub-accept", move || {
            let acceptor = Acceptor { shared, listener, spare: Some(spare), lingering: VecDeque::new(), turn: 0 };
            runtime.block_on(acceptor.run(&stop));
        })?;
        Ok(hub)
    }

    fn thread(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), HubError> {
        let thread = Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|source| HubError::Start { name: name.to_owned(), source })?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Where the hub listens; the port is the real one.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The name of this run in resume tokens.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.shared.epoch
    }

    /// Declares a topic: how it is delivered and how many messages it keeps. Declaring it again alike does nothing.
    ///
    /// # Errors
    /// A bad name, a capacity out of bounds, another class, one topic too many.
    pub fn topic(&self, name: &str, class: Class, capacity: usize) -> Result<(), HubError> {
        within("capacity", capacity, 1, 1 << 20)?;
        let topic = self.shared.declare(name, class, Framing::Envelope, capacity)?;
        if topic.class == class {
            return Ok(());
        }
        Err(HubError::TopicClass { name: name.to_owned(), has: topic.class, asked: class })
    }

    /// Declares all topics of a pattern that are made from now on, whoever makes them; of two patterns that fit a name
    /// the older holds. The same pattern again takes its place at the end.
    ///
    /// # Errors
    /// A bad pattern, a capacity out of bounds.
    pub fn rule(&self, pattern: &str, class: Class, capacity: usize) -> Result<(), HubError> {
        within("capacity", capacity, 1, 1 << 20)?;
        check_pattern(pattern)
            .map_err(|reason| HubError::TopicName { name: pattern.chars().take(64).collect(), reason })?;
        self.shared.rule(pattern, class, capacity);
        Ok(())
    }

    /// Publishes one JSON value and gives its offset. Takes no lock over I/O and waits for no reader; a topic nobody
    /// declared is made by the first rule that fits, else with the defaults.
    ///
    /// # Errors
    /// Nothing was accepted: a bad name or payload, a reliable topic whose shards lag, a hub that stops.
    pub fn publish(&self, topic: &str, payload: &[u8]) -> Result<u64, HubError> {
        let topic = self.shared.topic(topic)?;
        self.shared.publish(&topic, payload)
    }

    /// Publishes a list in order, up to the first message that is refused.
    pub fn publish_many<T: AsRef<str>, P: AsRef<[u8]>>(&self, messages: &[(T, P)]) -> Published {
        for (accepted, (topic, payload)) in messages.iter().enumerate() {
            if let Err(error) = self.publish(topic.as_ref(), payload.as_ref()) {
                return Published { accepted, refused: Some(error) };
            }
        }
        Published { accepted: messages.len(), refused: None }
    }

    /// WebSocket connections now.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.counters.open.load(Ordering::Relaxed)
    }

    /// All counts, without stopping anybody.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        stats(&self.shared)
    }

    /// Counts of the first `most` topics, in the order they were made.
    #[must_use]
    pub fn topic_stats(&self, most: usize) -> Vec<TopicStats> {
        topic_stats(&self.shared, most)
    }

    /// Lets every shard walk its cursors: `tally.sent = delivered + conflated + dropped + waiting`, counted from both
    /// sides. `None` when a shard does not answer in time.
    #[must_use]
    pub fn audit(&self, timeout: Duration) -> Option<Audit> {
        let (answer, answers) = sync_channel(self.shared.inboxes.len());
        for inbox in &self.shared.inboxes {
            inbox.command(Command::Audit(answer.clone()));
        }
        let mut sum = Audit::default();
        for _ in &self.shared.inboxes {
            let audit = answers.recv_timeout(timeout).ok()?;
            sum.tally.add(audit.tally);
            sum.waiting += audit.waiting;
            sum.pending_bytes += audit.pending_bytes;
            sum.connections += audit.connections;
            sum.subscriptions += audit.subscriptions;
        }
        Some(sum)
    }

    /// Stops accepting and publishing, flushes reliable topics, closes everybody with 1001 and a random part of
    /// `retry_spread` as retry hint, and ends after `timeout` at the latest. Calling it again does nothing.
    pub fn shutdown(&self, timeout: Duration) -> HubStats {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.closed.store(true, Ordering::Release);
        self.stop.notify_one();
        let deadline = self.shared.now() + nanos(timeout);
        for inbox in &self.shared.inboxes {
            inbox.command(Command::Drain(deadline));
        }
        for thread in threads.drain(..) {
            // A thread that panicked has ended too; its counts stay as they were.
            let _ = thread.join();
        }
        self.stats()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shutdown(Duration::from_secs(2));
    }
}

/// All counts of a hub.
pub(crate) fn stats(shared: &Shared) -> HubStats {
    let topics = shared.topics.all();
    let mut by_class = [Tally::default(); 3];
    for topic in &topics {
        if let Some(sum) = by_class.get_mut(topic.class.index()) {
            sum.add(topic.tally());
        }
    }
    let mut tally = Tally::default();
    for sum in by_class {
        tally.add(sum);
    }
    let [reliable, buffered, last_value] = &shared.latency;
    HubStats {
        counters: shared.counters.read(),
        closes: shared.closes.read(),
        tally,
        by_class,
        latency: [reliable.read(), buffered.read(), last_value.read()],
        publish_latency: shared.publish_latency.read(),
        topics: topics.len(),
    }
}

/// Counts of the first `most` topics.
pub(crate) fn topic_stats(shared: &Shared, most: usize) -> Vec<TopicStats> {
    let each = shared.topics.all().into_iter().take(most);
    each.map(|topic| TopicStats {
        name: topic.name.to_string(),
        class: topic.class,
        next_offset: topic.log().next(),
        tally: topic.tally(),
    })
    .collect()
}

fn local_runtime() -> io::Result<Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}

/// Sixteen random hex digits.
fn new_epoch() -> Result<String, HubError> {
    let mut bytes = [0; 8];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).map_err(|_| HubError::Start {
        name: "hub".to_owned(),
        source: io::Error::other("the system gives no random numbers"),
    })?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

fn listen(config: &HubConfig) -> io::Result<TcpListener> {
    let socket = if config.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    if let Some(bytes) = config.send_buffer {
        // Accepted sockets inherit it.
        socket.set_send_buffer_size(u32::try_from(bytes).unwrap_or(u32::MAX))?;
    }
    socket.bind(config.address)?;
    socket.listen(BACKLOG)
}

struct Acceptor {
    shared: Arc<Shared>,
    listener: TcpListener,
    /// Given up for a moment to accept and refuse when no other descriptor is left.
    spare: Option<File>,
    lingering: VecDeque<TcpStream>,
    turn: usize,
}

impl Acceptor {
    async fn run(mut self, stop: &Notify) {
        loop {
            let accepted = tokio::select! {
                () = stop.notified() => return,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => self.admit(socket.into_std(), peer),
                Err(error) if out_of_descriptors(&error) => {
                    self.make_room().await;
                    let _ = tokio::time::timeout(PAUSE, stop.notified()).await;
                    if self.shared.closed.load(Ordering::Acquire) {
                        return;
                    }
                }
                // The peer gave up before it was accepted.
                Err(_) => {}
            }
        }
    }

    fn admit(&mut self, socket: io::Result<TcpStream>, peer: SocketAddr) {
        let Ok(socket) = socket else { return };
        let counters = &self.shared.counters;
        counters.accepted.fetch_add(1, Ordering::Relaxed);
        if counters.connections.load(Ordering::Relaxed) >= self.shared.config.max_connections as u64 {
            counters.refused_full.fetch_add(1, Ordering::Relaxed);
            return self.refuse(socket, Rejection::Unavailable { retry_after_s: 1 });
        }
        if let Err(rejection) = self.shared.config.gate.accept(peer, self.shared.now()) {
            counters.refused_handshake.fetch_add(1, Ordering::Relaxed);
            return self.refuse(socket, rejection);
        }
        if socket.set_nodelay(true).is_err() {
            self.shared.config.gate.left(peer);
            return;
        }
        counters.connections.fetch_add(1, Ordering::Relaxed);
        self.turn = (self.turn + 1) % self.shared.inboxes.len().max(1);
        if let Some(inbox) = self.shared.inboxes.get(self.turn) {
            inbox.command(Command::Connect(socket, peer));
        }
    }

    /// Says why and lets go; a few refused sockets stay open until others come, or the peer would only see a reset.
    fn refuse(&mut self, mut socket: TcpStream, rejection: Rejection) {
        if self.shared.config.tls.is_some() {
            return;
        }
        if socket.write(&rejection.to_bytes()).is_ok() && socket.shutdown(Shutdown::Write).is_ok() {
            self.lingering.push_back(socket);
        }
        if self.lingering.len() > LINGERING {
            self.lingering.pop_front();
        }
    }

    /// No descriptor is left: one waiting peer is told so with the spare one.
    async fn make_room(&mut self) {
        self.shared.counters.accept_pauses.fetch_add(1, Ordering::Relaxed);
        self.lingering.clear();
        self.spare = None;
        if let Ok(Ok((socket, _))) = tokio::time::timeout(PAUSE, self.listener.accept()).await {
            self.shared.counters.refused_full.fetch_add(1, Ordering::Relaxed);
            let _ = socket.try_write(&Rejection::Unavailable { retry_after_s: 1 }.to_bytes());
        }
        self.spare = File::open("/dev/null").ok();
    }
}

/// EMFILE or ENFILE, ENOBUFS or ENOMEM: the pause is the same.
fn out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(24 | 23 | 105 | 12))
}
