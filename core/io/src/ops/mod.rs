//! The operational log: one SQLite file in WAL mode, append-only tables, every row with a monotonic id.
//!
//! A batch of rows is one transaction: all of it is in the log or none. Two levels:
//! [`Level::Journalled`] survives `kill -9` of every process; [`Level::Durable`] also survives the loss of power.
//! Intents, order events and fills have a typed path of their own, [`OpsLog::append_group`].
//! Several processes may write; each waits up to five seconds for its turn.

mod log;
mod orders;
mod schema;
mod typed;

pub use log::{Columns, Level, OpsError, OpsLog, Row, Value};
pub use orders::OrderJournal;
pub use typed::{Amount, Audit, Fill, Intent, OrderEvent, Record, Stamp};
