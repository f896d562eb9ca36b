//! The order manager: neither loses nor doubles an order.
//!
//! [`OrderManager`] is a deterministic state machine with a single writer. It is told commands, reports of the venue,
//! the time, and what the log has; it answers with [`Effect`]s in the caller's buffer. It has no clock, no file, no
//! socket and no randomness of its own.
//!
//! # Rules
//! 1. **Intent before the wire.** A new order or amendment leaves only after [`OrderManager::logged`] covers its
//!    record. A cancel is written too, but never waits for the log.
//! 2. **An id is used once**, also across a restart. A second submission returns the state of the first.
//! 3. **A fill is booked once** by (account, symbol, trade id) and marked after it is applied, in whatever order and
//!    however late it arrives: it is real exposure. Position = sum of fills.
//! 4. **Unknown is a state.** No answer, a "maybe" or a broken link makes an order unknown. It keeps its reservation,
//!    blocks adds to its symbol, is asked for by its id, and is left only by evidence or by an operator. "Not found"
//!    proves nothing before [`ManagerConfig::absence_horizon`]. Nothing is ever sent a second time.
//! 5. **Differences are shown, not repaired.** On start, on reconnect and on a timer the venue's orders, fills and
//!    positions are compared with the log. What disagrees is a [`Discrepancy`] that holds its symbol until evidence or
//!    [`Command::AcceptVenue`]. Foreign orders are shown and never cancelled.
//! 6. **The log is the state.** The state that survives changes by records alone, so [`OrderManager::replay`] gives
//!    the same [`OrderManager::state_hash`]; the retries and timers around it start anew.
//!
//! # Layout
//! `record` is what is written, `ledger` and `order` the state it makes, `manager` the border, `orders` commands and
//! releases, `operator` what a person decides, `reports` the venue's messages, `reconcile` snapshots, `timers` what is
//! due.
//!
//! # Cost
//! O(1) an order or report (amortised growth of vectors and maps); O(open orders) a link loss or snapshot; a query or
//! discrepancy O(log n). No allocation of its own per order.

mod config;
mod effect;
mod hashing;
mod input;
mod ledger;
mod manager;
mod operator;
mod order;
mod orders;
mod reconcile;
mod record;
mod reports;
mod timers;

pub use config::{ManagerConfig, Moment};
pub use effect::{Alert, Denied, Effect, RiskState, Submitted};
pub use input::{
    Command, FillReport, RejectKind, Resolution, Snapshot, VenueOrder, VenuePosition, VenueReport, VenueStatus,
};
pub use manager::{ManagerCounts, OrderManager};
pub use order::{Order, Reserved};
pub use record::{
    Adoption, Discrepancy, DiscrepancyKind, FillRecord, LogEntry, OrderEvent, Reason, Record, ReplayError, Switch,
};
