//! Settings of the order manager and the two clocks it is given.

use crate::types::{SourceId, StrategyId, UtcNanos};

const SECOND: i64 = 1_000_000_000;

/// The moment of a call. Durations are measured by `monotonic` alone, so a jump of the wall clock moves no timer;
/// `utc` is what is written down and what a venue's receive window is counted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds of a clock that never goes back, from any start; a new process may start it anew.
    pub monotonic: i64,
    /// Our wall clock.
    pub utc: UtcNanos,
}

/// What the order manager waits for and how long. All durations are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManagerConfig {
    /// The account at the venue. One manager is one account: its fills are idempotent by (symbol, trade id) here and
    /// so by (account, symbol, trade id) everywhere.
    pub account: SourceId,
    /// How the ids of our orders begin; an order at the venue with another id is foreign. Empty: all of them are.
    pub own_prefix: StrategyId,
    /// Seed of the jitter between queries.
    pub seed: u64,
    /// A request without an answer for so long is lost sight of.
    pub answer_timeout: i64,
    /// An intent the log did not confirm for so long is too old to be sent.
    pub longest_intent_age: i64,
    /// How long after a request left us it can still come to life at the venue and be visible there: receive window +
    /// clock tolerance of the venue + its longest delay + lag of its queries, plus a margin. "Not found" proves
    /// nothing before.
    pub absence_horizon: i64,
    /// How far behind the venue's own answers may be. News of an order that is younger is not judged by a snapshot.
    pub venue_lag: i64,
    /// First pause between two queries of one order; each one doubles it.
    pub first_query_pause: i64,
    /// Longest pause between two queries of one order.
    pub longest_query_pause: i64,
    /// Between two reconciliations.
    pub reconcile_every: i64,
    /// A snapshot that did not arrive for so long is asked for again.
    pub snapshot_timeout: i64,
    /// Fills are asked for from so long before the last clean reconciliation.
    pub fills_overlap: i64,
    /// Pause before records are offered to a failed log again.
    pub log_retry_pause: i64,
    /// A wall clock that leaves the monotonic one by more than this raises an alarm.
    pub clock_tolerance: i64,
    /// Whether an order that can only reduce may go out while the log is down. It cannot open a position; after a
    /// crash it is found by reconciliation.
    pub reduce_without_log: bool,
}

impl Default for ManagerConfig {
    fn default() -> Self {
        Self {
            account: SourceId::EMPTY,
            own_prefix: StrategyId::EMPTY,
            seed: 0,
            answer_timeout: 5 * SECOND,
            longest_intent_age: 2 * SECOND,
            absence_horizon: 20 * SECOND,
            venue_lag: 3 * SECOND,
            first_query_pause: SECOND / 5,
            longest_query_pause: 10 * SECOND,
            reconcile_every: 30 * SECOND,
            snapshot_timeout: 5 * SECOND,
            fills_overlap: 60 * SECOND,
            log_retry_pause: SECOND,
            clock_tolerance: SECOND / 2,
            reduce_without_log: true,
        }
    }
}
