//! WebSocket clients that stay connected.
//!
//! # Layout
//! - [`endpoint`]: addresses; [`dial`]: TCP and TLS streams to them.
//! - [`connection`]: one connection: opening, heartbeat, messages, closing.
//! - [`pace`]: backoff with jitter, pacing of messages.
//! - [`hub`]: a reader of our own hub that resumes.
//! - [`config`]: what a feed is told and what it tells; [`feed`]: a feed that stays connected, over `link`s.

pub mod config;
pub mod connection;
pub mod dial;
pub mod endpoint;
pub mod feed;
pub mod hub;
mod link;
pub mod pace;

pub use config::{
    Counters, EndReason, FeedConfig, FeedError, FeedEvent, FeedSink, FeedStats, Kind, RotationReason, WallClock,
    binance_kind, system_clock,
};
pub use connection::{Connection, ConnectionConfig, ConnectionError};
pub use dial::{Dial, Dialing, Network, Roots, TlsError, Transport};
pub use endpoint::{Endpoint, EndpointError};
pub use feed::{Feed, FeedHandle};
pub use pace::{Backoff, Pacer, Spread};
