//! The fan-out server: topics in, ten thousand readers out, nothing silently lost.
//!
//! # Layout
//! - [`config`], [`error`], [`gate`]: settings with bounds, refusals, the hooks where access rules are asked.
//! - [`access`]: tokens, roles, origins, rates, certificates, behind those hooks; [`metrics`]: figures as text.
//! - [`log`], [`pattern`]: pure: a topic's bounded log and what each class owes a reader; names and wildcards.
//! - `topic`, `shared`: what threads share: topics, marks, inboxes, counters, publishing.
//! - `shard`: one thread and its connections: turns, catching up, timers, requests.
//! - `server`: the acceptor and the [`Hub`] handle.
//! - `protocol`, `transport`: the JSON messages; a plain or TLS byte stream.
//!
//! # How a message travels
//! `publish` stores one ready frame in the topic's log and marks the topic for each shard. A shard takes all marks,
//! builds one contiguous buffer of each topic's new frames and writes it to every subscriber in one pass; a socket that
//! is full keeps a cursor and catches up from the log by its own task, under the rules of the topic's class.
pub mod access;
pub mod config;
pub mod error;
pub mod gate;
pub mod log;
pub mod metrics;
pub mod pattern;
mod protocol;
mod server;
mod shard;
mod shared;
mod topic;
mod transport;

pub use config::HubConfig;
pub use error::HubError;
pub use gate::{Admission, Gate, Inbound, OpenGate, Session, Verdict};
pub use log::{Class, Tally};
pub use server::{Hub, HubStats, Published, TopicStats};
pub use shared::{Audit, CLOSE_CODES, CloseStats, CounterStats, LatencyStats};
