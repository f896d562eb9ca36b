//! The parts of the core that touch files and sockets.
//!
//! # Layout
//! - [`ops`]: `ops.sqlite`, the operational truth: append-only tables, opened only here.
//! - [`ws`]: the WebSocket protocol without sockets: frames, fragments, UTF-8, deflate, handshake, for both roles.
//! - [`hub`]: the fan-out server: topics, delivery classes, shards, resume, access, limits, metrics.
//! - [`client`]: feeds: reconnect, resubscribe, rotation, pacing.
//!
//! Two copies of SQLite in one process drop each other's POSIX locks, so no other code, in no language, opens the file.
#![forbid(unsafe_code)]

pub mod client;
pub mod hub;
pub mod ops;
pub mod ws;
