//! Every knob of the hub, with bounds that are checked before a socket is opened.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::error::HubError;
use super::gate::{Gate, OpenGate};
use super::log::Class;

/// What a hub is started with; [`HubConfig::default`] listens on a free loopback port with one shard.
#[derive(Clone)]
pub struct HubConfig {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// Threads that own connections, 1..=64.
    pub shards: usize,
    /// Connections (handshakes included), 1..=1,000,000; beyond it 503 with Retry-After.
    pub max_connections: usize,
    /// Topics, 1..=1,000,000.
    pub max_topics: usize,
    /// Subscriptions of one connection, wildcard expansions included, 1..=1,000,000.
    pub max_subscriptions: usize,
    /// Wildcards (and names of topics not made yet) of one connection, 1..=1,000,000.
    pub max_patterns: usize,
    /// Bytes of one published payload, 64..=16 MiB.
    pub max_payload: usize,
    /// Bytes of one inbound message, 125..=16 MiB.
    pub max_message: usize,
    /// Class of a topic nobody declared.
    pub default_class: Class,
    /// Messages kept of a topic nobody declared, 1..=1,048,576.
    pub default_capacity: usize,
    /// Bytes a topic's log may hold, 4 KiB..=4 GiB; older messages go first.
    pub max_topic_bytes: usize,
    /// Bytes a reader of one topic may be behind (beyond the kernel's buffer), 1 KiB..=4 GiB. One that resumes may be as
    /// far behind as the log reaches until it is up to date.
    pub max_backlog: usize,
    /// Bytes of answers and control frames waiting for one connection, 1 KiB..=16 MiB; beyond it nothing more is
    /// read from that peer until it takes them.
    pub max_control_pending: usize,
    /// Silence after which a ping goes out, 50 ms..=1 h.
    pub ping_interval: Duration,
    /// How long a ping may go unanswered, 50 ms..=1 h.
    pub pong_timeout: Duration,
    /// From accept to the last byte of the request head (TLS included), 10 ms..=5 min.
    pub handshake_timeout: Duration,
    /// How long a peer may take to answer a close frame, 10 ms..=5 min.
    pub close_timeout: Duration,
    /// Most `retry_after_ms` told to peers when the hub stops; each gets its own random part of it.
    pub retry_spread: Duration,
    /// Send buffer asked of the kernel for each connection; `None` leaves the system's.
    pub send_buffer: Option<usize>,
    /// permessage-deflate offered to peers (without context takeover, frames shared).
    pub deflate: bool,
    /// The endpoints `/echo`, `/sub` and `/pub` of the load generator.
    pub bench: bool,
    /// TLS for every connection.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Who may connect, subscribe and publish, and how fast.
    pub gate: Arc<dyn Gate>,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            shards: 1,
            max_connections: 16_384,
            max_topics: 65_536,
            max_subscriptions: 1_024,
            max_patterns: 128,
            max_payload: 1 << 20,
            max_message: 64 << 10,
            default_class: Class::Buffered,
            default_capacity: 1_024,
            max_topic_bytes: 16 << 20,
            max_backlog: 1 << 20,
            max_control_pending: 16 << 10,
            ping_interval: Duration::from_secs(15),
            pong_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(5),
            close_timeout: Duration::from_secs(2),
            retry_spread: Duration::from_secs(5),
            send_buffer: None,
            deflate: true,
            bench: false,
            tls: None,
            gate: Arc::new(OpenGate),
        }
    }
}

impl HubConfig {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`HubError::Config`] for the first setting outside its bounds.
    pub fn checked(self) -> Result<Self, HubError> {
        within("shards", self.shards, 1, 64)?;
        within("max_connections", self.max_connections, 1, 1_000_000)?;
        within("max_topics", self.max_topics, 1, 1_000_000)?;
        within("max_subscriptions", self.max_subscriptions, 1, 1_000_000)?;
        within("max_patterns", self.max_patterns, 1, 1_000_000)?;
        within("max_payload", self.max_payload, 64, 16 << 20)?;
        within("max_message", self.max_message, 125, 16 << 20)?;
        within("default_capacity", self.default_capacity, 1, 1 << 20)?;
        within("max_topic_bytes", self.max_topic_bytes, 4 << 10, 4 << 30)?;
        within("max_backlog", self.max_backlog, 1 << 10, 4 << 30)?;
        within("max_control_pending", self.max_control_pending, 1 << 10, 16 << 20)?;
        within_ms("ping_interval", self.ping_interval, 50, 3_600_000)?;
        within_ms("pong_timeout", self.pong_timeout, 50, 3_600_000)?;
        within_ms("handshake_timeout", self.handshake_timeout, 10, 300_000)?;
        within_ms("close_timeout", self.close_timeout, 10, 300_000)?;
        within_ms("retry_spread", self.retry_spread, 0, 3_600_000)?;
        Ok(self)
    }
}

/// Checks a count against its bounds.
///
/// # Errors
/// [`HubError::Config`] outside `least..=most`.
pub(crate) fn within(name: &'static str, value: usize, least: usize, most: usize) -> Result<(), HubError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(HubError::Config { name, value: value as u64, least: least as u64, most: most as u64 })
}

fn within_ms(name: &'static str, value: Duration, least: u64, most: u64) -> Result<(), HubError> {
    let value = u64::try_from(value.as_millis()).unwrap_or(u64::MAX);
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(HubError::Config { name, value, least, most })
}
