//! What a feed is told, and what it tells.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use super::connection::{ConnectionConfig, ConnectionError};
use super::dial::{Roots, TlsError};

/// Nanoseconds UTC since 1970, from wherever the caller's time comes.
pub type WallClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The clock of the system.
#[must_use]
pub fn system_clock() -> WallClock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

/// How a feed behaves.
#[derive(Clone)]
pub struct FeedConfig {
    /// How each connection is opened and kept.
    pub connection: ConnectionConfig,
    /// Certificates trusted by `wss`.
    pub roots: Roots,
    /// Text messages sent on every connection, in this order, after it is open; see [`FeedSink::subscriptions`].
    pub subscriptions: Vec<String>,
    /// Whether a connection counts as subscribed only when the sink saw as many acknowledgements as subscriptions.
    pub await_acknowledgements: bool,
    /// Time for the acknowledgements after the last subscription was sent.
    pub acknowledgement_timeout: Duration,
    /// Subscriptions sent in a second at most.
    pub subscriptions_per_second: u32,
    /// Subscriptions sent at once at most.
    pub subscription_burst: u32,
    /// Largest delay after the first failure; it doubles with each.
    pub backoff_base: Duration,
    /// Largest delay after any failure.
    pub backoff_cap: Duration,
    /// Seed of the delays.
    pub jitter_seed: u64,
    /// A connection that lived this long ends the series of failures.
    pub stable_after: Duration,
    /// A successor is opened when a connection is this old.
    pub max_age: Duration,
    /// Both are read for this long after the successor delivered its first data.
    pub overlap: Duration,
    /// Time of arrival of messages.
    pub clock: WallClock,
}

impl FeedConfig {
    /// Usual values: at most 5 subscriptions a second, backoff from 0.5 s to 30 s, rotation after 23 h (exchanges cut
    /// at 24 h) with 1 s of overlap.
    #[must_use]
    pub fn new(connection: ConnectionConfig, subscriptions: Vec<String>) -> Self {
        Self {
            connection,
            roots: Roots::Public,
            subscriptions,
            await_acknowledgements: false,
            acknowledgement_timeout: Duration::from_secs(10),
            subscriptions_per_second: 5,
            subscription_burst: 1,
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(30),
            jitter_seed: 0,
            stable_after: Duration::from_secs(10),
            max_age: Duration::from_secs(23 * 3600),
            overlap: Duration::from_secs(1),
            clock: system_clock(),
        }
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// The first value out of its bounds.
    pub fn check(&self) -> Result<(), FeedError> {
        let connection = &self.connection;
        let long = Duration::from_secs(7 * 24 * 3600);
        let durations = [
            ("connect_timeout", connection.connect_timeout),
            ("ping_interval", connection.ping_interval),
            ("pong_timeout", connection.pong_timeout),
            ("idle_timeout", connection.idle_timeout),
            ("close_timeout", connection.close_timeout),
            ("acknowledgement_timeout", self.acknowledgement_timeout),
            ("backoff_base", self.backoff_base),
            ("backoff_cap", self.backoff_cap),
            ("stable_after", self.stable_after),
            ("max_age", self.max_age),
        ];
        for (name, value) in durations {
            if value < Duration::from_millis(1) || value > long {
                return Err(FeedError::Duration { name, value });
            }
        }
        if self.overlap > self.max_age {
            return Err(FeedError::Duration { name: "overlap", value: self.overlap });
        }
        for (name, value) in [
            ("subscriptions_per_second", self.subscriptions_per_second),
            ("subscription_burst", self.subscription_burst),
        ] {
            if !(1..=1_000_000).contains(&value) {
                return Err(FeedError::Count { name, value });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FeedConfig {
    /// Without headers and subscriptions, which may hold keys.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FeedConfig")
            .field("endpoint", &self.connection.endpoint.to_string())
            .field("subscriptions", &self.subscriptions.len())
            .finish_non_exhaustive()
    }
}

/// Why a feed cannot run.
#[derive(Debug, Error)]
pub enum FeedError {
    /// A duration out of its bounds.
    #[error("{name} {value:?} is not in 1 ms..=7 days (overlap: 0..=max_age)")]
    Duration {
        /// Name of the field.
        name: &'static str,
        /// What was given.
        value: Duration,
    },
    /// A count out of its bounds.
    #[error("{name} {value} is not in 1..=1000000")]
    Count {
        /// Name of the field.
        name: &'static str,
        /// What was given.
        value: u32,
    },
    /// Certificates or the server's name.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No thread or no runtime.
    #[error("cannot start the thread of a feed: {0}")]
    Start(#[from] std::io::Error),
    /// The sink panicked, and the feed ended.
    #[error("the sink of a feed panicked: the feed has ended; its sink must not panic")]
    Panicked,
}

/// What a payload is to the feed; the sink gets it in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Data.
    Data,
    /// The server took a subscription.
    Acknowledgement,
    /// The server says that it will close soon.
    Shutdown,
}

/// Judges a payload as Binance writes them: `{"result":null,"id":1}` acknowledges, `"e":"serverShutdown"` announces.
#[must_use]
pub fn binance_kind(payload: &[u8]) -> Kind {
    // Data starts with its stream or event; nothing that is searched for stands further back.
    let start = payload.get(..payload.len().min(96)).unwrap_or_default();
    let holds = |words: &[u8]| start.windows(words.len()).any(|window| window == words);
    if start.starts_with(b"{\"result\":") {
        Kind::Acknowledgement
    } else if holds(b"\"serverShutdown\"") {
        Kind::Shutdown
    } else {
        Kind::Data
    }
}

/// Where messages and events go. Called on the feed's thread, so it must be short and must not panic.
pub trait FeedSink: Send + Sync + 'static {
    /// A payload of connection number `connection` (1 is the first), which arrived at `ts_init_ns`.
    ///
    /// While a connection is replaced, both deliver: the receiver drops what it has seen.
    fn message(&self, connection: u32, ts_init_ns: i64, payload: &[u8]);

    /// Something changed.
    fn event(&self, event: FeedEvent);

    /// The text messages that subscribe on connection number `connection`, asked when it is open; `fixed` are those of
    /// [`FeedConfig::subscriptions`]. A sink that knows how far it is says here where to go on.
    fn subscriptions(&self, connection: u32, fixed: &[String]) -> Vec<String> {
        let _ = connection;
        fixed.to_vec()
    }

    /// What a payload is.
    fn kind(&self, payload: &[u8]) -> Kind {
        binance_kind(payload)
    }
}

/// What happened to a feed.
#[derive(Debug)]
pub enum FeedEvent {
    /// A connection is open.
    Connected {
        /// Its number.
        connection: u32,
    },
    /// All subscriptions were sent on it (and acknowledged, if that is awaited).
    Subscribed {
        /// Its number.
        connection: u32,
        /// How many.
        subscriptions: usize,
    },
    /// A successor is being opened.
    Rotating {
        /// The old connection.
        from: u32,
        /// The new one.
        to: u32,
        /// Why.
        why: RotationReason,
    },
    /// The successor delivers; the old connection is being closed.
    Rotated {
        /// The old connection.
        from: u32,
        /// The new one.
        to: u32,
    },
    /// An attempt failed, or a connection ended that was not asked to.
    Disconnected {
        /// Its number.
        connection: u32,
        /// Why.
        why: EndReason,
        /// When the next attempt follows; `None` when a successor is already there.
        retry_in: Option<Duration>,
    },
    /// A connection was closed by the feed itself.
    Closed {
        /// Its number.
        connection: u32,
    },
}

/// Why a connection is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationReason {
    /// It reached its greatest age.
    Age,
    /// The server announced that it will close.
    Announced,
    /// The successor before this one failed.
    Retry,
}

/// Why a connection ended.
#[derive(Debug, Error)]
pub enum EndReason {
    /// See there.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// Subscriptions were not acknowledged.
    #[error("{missing} subscriptions not acknowledged within {within:?}")]
    Acknowledgements {
        /// How many are missing.
        missing: usize,
        /// The deadline.
        within: Duration,
    },
}

/// What a feed has done; exact at every moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedStats {
    /// Attempts to connect: those that failed, those under way, and `connections`.
    pub attempts: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Connections opened: those open now, `disconnections` and `closed`.
    pub connections: u64,
    /// Connections that ended without being asked to.
    pub disconnections: u64,
    /// Connections closed by the feed.
    pub closed: u64,
    /// Replacements completed.
    pub rotations: u64,
    /// Subscription messages sent.
    pub subscriptions: u64,
    /// Payloads given to the sink.
    pub messages: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// The counters behind [`FeedStats`].
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) attempts: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) disconnections: AtomicU64,
    pub(super) closed: AtomicU64,
    pub(super) rotations: AtomicU64,
    pub(super) subscriptions: AtomicU64,
    pub(super) messages: AtomicU64,
    pub(super) bytes: AtomicU64,
}

impl Counters {
    /// The values now.
    #[must_use]
    pub fn stats(&self) -> FeedStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FeedStats {
            attempts: read(&self.attempts),
            failures: read(&self.failures),
            connections: read(&self.connections),
            disconnections: read(&self.disconnections),
            closed: read(&self.closed),
            rotations: read(&self.rotations),
            subscriptions: read(&self.subscriptions),
            messages: read(&self.messages),
            bytes: read(&self.bytes),
        }
    }

    pub(super) fn add(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}
