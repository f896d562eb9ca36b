//! What all threads of one hub share: settings, topics, inboxes, counters; and publishing, which any thread may do.
use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::config::HubConfig;
use super::error::HubError;
use super::log::{Bounds, Class, Tally};
use super::pattern::matches;
use super::topic::{Framing, NOT_INTERESTED, Topic, Topics};
use crate::ws::CloseCode;

/// Work for a shard.
pub(crate) enum Command {
    /// A connection was accepted.
    Connect(TcpStream, SocketAddr),
    /// A topic was made; comes before its first message.
    Topic(Arc<Topic>),
    /// Flush, close every connection with 1001 and end, at the latest at this time of the hub clock.
    Drain(u64),
    /// Walk all cursors and tell what waits.
    Audit(SyncSender<Audit>),
}

/// What one shard finds when it walks its cursors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audit {
    /// Counts so far.
    pub tally: Tally,
    /// Messages owed and not written, counted cursor by cursor.
    pub waiting: u64,
    /// Bytes of partly written frames, answers and control frames held for blocked connections.
    pub pending_bytes: u64,
    /// Connections, handshakes included.
    pub connections: u64,
    /// Subscriptions.
    pub subscriptions: u64,
}

/// A shard's inbox: dirty topics and commands.
#[derive(Default)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    wake: Notify,
}

#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) dirty: Vec<u32>,
    pub(crate) commands: Vec<Command>,
}

impl Inbox {
    fn push(&self, add: impl FnOnce(&mut Queue)) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = queue.dirty.is_empty() && queue.commands.is_empty();
        add(&mut queue);
        drop(queue);
        if was_empty {
            self.wake.notify_one();
        }
    }

    /// Adds a command.
    pub(crate) fn command(&self, command: Command) {
        self.push(|queue| queue.commands.push(command));
    }

    /// Adds a topic that has new messages.
    pub(crate) fn dirty(&self, id: u32) {
        self.push(|queue| queue.dirty.push(id));
    }

    /// Wakes the shard to look at its timers.
    pub(crate) fn nudge(&self) {
        self.wake.notify_one();
    }

    /// Takes everything, leaving `into`'s (empty) memory behind.
    pub(crate) fn take(&self, into: &mut Queue) {
        std::mem::swap(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner), into);
    }

    /// Waits until something is there.
    pub(crate) async fn wait(&self) {
        self.wake.notified().await;
    }
}

/// Log-linear histogram of microseconds: bucket `i` counts values up to `2^i` us.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; 24],
    sum_ns: AtomicU64,
}

impl Histogram {
    pub(crate) fn record(&self, ns: u64) {
        let us = ns.saturating_sub(1) / 1_000;
        let index = (u64::BITS - us.leading_zeros()).min(23) as usize;
        if let Some(bucket) = self.buckets.get(index) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> LatencyStats {
        let mut counts = [0; 24];
        for (count, bucket) in counts.iter_mut().zip(&self.buckets) {
            *count = bucket.load(Ordering::Relaxed);
        }
        LatencyStats { counts, sum_ns: self.sum_ns.load(Ordering::Relaxed) }
    }
}

/// A histogram's counts: `counts[i]` values were in `(2^(i-1), 2^i]` microseconds, `counts[0]` up to 1 us, the last all above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencyStats {
    /// Values by power of two.
    pub counts: [u64; 24],
    /// Sum of all values, nanoseconds.
    pub sum_ns: u64,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of the whole hub, kept by all threads.
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $($(#[$doc])* pub(crate) $name: AtomicU64,)* }
        /// The hub's counters at one moment.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct CounterStats { $($(#[$doc])* pub $name: u64,)* }
        impl Counters {
            pub(crate) fn read(&self) -> CounterStats {
                CounterStats { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// TCP connections accepted.
    accepted,
    /// Connections now, handshakes included.
    connections,
    /// WebSocket connections now.
    open,
    /// WebSocket connections so far.
    opened,
    /// Turned away for max_connections or while draining.
    refused_full,
    /// Turned away by the gate or for a bad request.
    refused_handshake,
    /// Handshakes not finished in time.
    handshake_timeouts,
    /// Pings nobody answered in time: connection closed.
    ping_timeouts,
    /// Pings sent.
    pings,
    /// Reliable readers closed with 4008.
    slow_closes,
    /// Connections closed for a broken rule of the protocol.
    protocol_errors,
    /// Messages received from peers.
    messages_in,
    /// Bytes received from peers (plain, after TLS).
    bytes_in,
    /// Bytes written to peers (plain, before TLS).
    bytes_out,
    /// Messages published.
    published,
    /// Last-value records sent because of a subscription.
    snapshots,
    /// Subscriptions now.
    subscriptions,
    /// Times accepting paused because file descriptors ran out.
    accept_pauses,
}

/// Close codes that are counted by name; the rest stand together in the last place.
pub const CLOSE_CODES: [u16; 14] = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1013, 4008, 4401];

/// WebSocket connections that ended, by the code of their first close frame, whoever sent it: 1005 is a frame without a
/// code, 1006 an end without a frame (reset, silence, drained too late).
#[derive(Debug, Default)]
pub(crate) struct Closes([AtomicU64; CLOSE_CODES.len() + 1]);

impl Closes {
    pub(crate) fn count(&self, code: CloseCode) {
        let place = CLOSE_CODES.iter().position(|known| *known == code.0).unwrap_or(CLOSE_CODES.len());
        if let Some(counter) = self.0.get(place) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> CloseStats {
        let mut counts = CloseStats::default();
        for (count, counter) in counts.0.iter_mut().zip(&self.0) {
            *count = counter.load(Ordering::Relaxed);
        }
        counts
    }
}

/// Ended connections by close code; their sum is those opened less those open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CloseStats([u64; CLOSE_CODES.len() + 1]);

impl CloseStats {
    /// Each label with its count, in the order of [`CLOSE_CODES`]; `other` for any other code comes last.
    pub fn by_label(&self) -> impl Iterator<Item = (String, u64)> {
        let labels = CLOSE_CODES.iter().map(u16::to_string).chain(std::iter::once("other".to_owned()));
        labels.zip(self.0)
    }

    /// How often it was this code; 0 for one that has no place of its own.
    #[must_use]
    pub fn of(&self, code: u16) -> u64 {
        let place = CLOSE_CODES.iter().position(|known| *known == code);
        place.and_then(|place| self.0.get(place)).copied().unwrap_or(0)
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// How topics of a pattern that are made from now on are delivered.
struct Rule {
    pattern: String,
    class: Class,
    capacity: usize,
}

/// Shared by the hub's handle, its acceptor and its shards.
pub(crate) struct Shared {
    pub(crate) config: HubConfig,
    pub(crate) topics: Topics,
    rules: RwLock<Vec<Rule>>,
    /// By shard: names and patterns its readers wait for.
    awaited: Box<[Mutex<HashSet<Box<str>>>]>,
    pub(crate) inboxes: Box<[Inbox]>,
    pub(crate) counters: Counters,
    pub(crate) closes: Closes,
    /// Names this run of the hub in resume tokens: 16 hex digits.
    pub(crate) epoch: String,
    pub(crate) closed: AtomicBool,
    /// Accept to written, by class.
    pub(crate) latency: [Histogram; 3],
    pub(crate) publish_latency: Histogram,
    started: Instant,
}

impl Shared {
    pub(crate) fn new(config: HubConfig, epoch: String) -> Self {
        let inboxes = (0..config.shards).map(|_| Inbox::default()).collect();
        Self {
            topics: Topics::new(config.shards, config.max_topics),
            rules: RwLock::default(),
            awaited: (0..config.shards).map(|_| Mutex::default()).collect(),
            inboxes,
            counters: Counters::default(),
            closes: Closes::default(),
            epoch,
            closed: AtomicBool::new(false),
            latency: Default::default(),
            publish_latency: Histogram::default(),
            started: Instant::now(),
            config,
        }
    }

    /// The hub clock: monotonic nanoseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        nanos(self.started.elapsed())
    }

    /// The instant of a time of the hub clock.
    pub(crate) fn instant(&self, at: u64) -> Instant {
        self.started + Duration::from_nanos(at)
    }

    /// Topics of this pattern that are made from now on are delivered so; of two patterns that fit the older holds.
    pub(crate) fn rule(&self, pattern: &str, class: Class, capacity: usize) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        rules.retain(|rule| rule.pattern != pattern);
        rules.push(Rule { pattern: pattern.to_owned(), class, capacity });
    }

    /// The topic of this name, made by the first rule that fits, or with the defaults, if need be.
    pub(crate) fn topic(&self, name: &str) -> Result<Arc<Topic>, HubError> {
        if let Some(topic) = self.topics.get(name) {
            return Ok(topic);
        }
        let (class, capacity) = {
            let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
            let rule = rules.iter().find(|rule| matches(&rule.pattern, name));
            rule.map_or((self.config.default_class, self.config.default_capacity), |rule| (rule.class, rule.capacity))
        };
        self.declare(name, class, Framing::Envelope, capacity)
    }

    /// The topic of this name, made as told if need be.
    pub(crate) fn declare(
        &self,
        name: &str,
        class: Class,
        framing: Framing,
        messages: usize,
    ) -> Result<Arc<Topic>, HubError> {
        let bounds = Bounds { messages, bytes: self.config.max_topic_bytes };
        let awaited = |shard: usize| {
            let awaited = self.awaited.get(shard).map(|set| set.lock().unwrap_or_else(PoisonError::into_inner));
            awaited.is_some_and(|patterns| patterns.iter().any(|pattern| matches(pattern, name)))
        };
        self.topics.get_or_make(name, (class, framing, bounds), awaited, |topic| {
            for inbox in &self.inboxes {
                inbox.command(Command::Topic(Arc::clone(topic)));
            }
        })
    }

    /// Topics of this pattern that are made from now on wait for the shard before they drop a message.
    pub(crate) fn wait_for(&self, shard: usize, pattern: &str) {
        if let Some(set) = self.awaited.get(shard) {
            set.lock().unwrap_or_else(PoisonError::into_inner).insert(pattern.into());
        }
    }

    /// No reader of the shard waits for the pattern any more.
    pub(crate) fn wait_no_more(&self, shard: usize, pattern: &str) {
        if let Some(set) = self.awaited.get(shard) {
            set.lock().unwrap_or_else(PoisonError::into_inner).remove(pattern);
        }
    }

    /// Stores a message and marks the topic for every shard that has subscribers; never waits for a socket.
    pub(crate) fn publish(&self, topic: &Topic, payload: &[u8]) -> Result<u64, HubError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(HubError::Closed);
        }
        let most = self.config.max_payload;
        if payload.len() > most {
            return Err(HubError::PayloadTooLarge { topic: topic.name.to_string(), length: payload.len(), most });
        }
        if topic.framing == Framing::Envelope {
            serde_json::from_slice::<serde::de::IgnoredAny>(payload).map_err(|error| HubError::PayloadNotJson {
                topic: topic.name.to_string(),
                reason: error.to_string(),
            })?;
        }
        let before = self.now();
        let offset = topic.store(payload, before)?;
        self.mark(topic);
        self.counters.published.fetch_add(1, Ordering::Relaxed);
        self.publish_latency.record(self.now().saturating_sub(before));
        Ok(offset)
    }

    fn mark(&self, topic: &Topic) {
        for (mark, inbox) in topic.marks.iter().zip(&self.inboxes) {
            let interested = mark.seen.load(Ordering::Acquire) != NOT_INTERESTED;
            if interested && !mark.dirty.swap(true, Ordering::AcqRel) {
                inbox.dirty(topic.id);
            }
        }
    }
}

/// Nanoseconds of a duration; the hub does not run for 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
