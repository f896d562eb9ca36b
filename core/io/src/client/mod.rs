//! WebSocket clients that stay connected.
//!
//! # Layout
//! - [`endpoint`]: addresses; [`dial`]: TCP and TLS streams to them.
//! - [`connection`]: one connection: opening, heartbeat, messages, closing.
//! - [`pace`]: backoff with jitter, pacing of messages.

pub mod connection;
pub mod dial;
pub mod endpoint;
pub mod pace;

pub use connection::{Connection, ConnectionConfig, ConnectionError};
pub use dial::{Dial, Dialing, Network, Roots, TlsError, Transport};
pub use endpoint::{Endpoint, EndpointError};
pub use pace::{Backoff, Pacer};
