//! What the manager asks the world to do, and how it answers a command.

use thiserror::Error;

use super::record::{Discrepancy, LogEntry};
use crate::orders::{OrderRequest, OrderState, PositionSide};
use crate::types::{ClientOrderId, Price, Quantity, SignedQuantity, Symbol, TradeId, UtcNanos};

/// One thing to do, in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write this; answer with `logged` or `log_failed`. An entry offered again has the same number: write it once.
    Log(LogEntry),
    /// Send a new order. Its intent is in the log.
    Send {
        /// What to send.
        request: OrderRequest,
        /// Our wall clock: the venue refuses it a receive window later.
        sent_at: UtcNanos,
    },
    /// Take an order back. Never held up by the log or by a throttle.
    SendCancel {
        /// The order.
        client_order_id: ClientOrderId,
        /// Its symbol.
        symbol: Symbol,
    },
    /// Change an order.
    SendAmend {
        /// The order.
        client_order_id: ClientOrderId,
        /// Its symbol.
        symbol: Symbol,
        /// Its whole quantity.
        quantity: Quantity,
        /// Its limit price.
        price: Option<Price>,
        /// Our wall clock.
        sent_at: UtcNanos,
    },
    /// Ask what became of an order, by our id.
    Query {
        /// To be given back with the answer.
        query: u64,
        /// The order.
        client_order_id: ClientOrderId,
        /// Its symbol.
        symbol: Symbol,
    },
    /// Ask for open orders, fills and positions.
    RequestSnapshot {
        /// To be given back with the answer.
        snapshot: u64,
        /// Fills from here on, by the venue's clock.
        fills_since: UtcNanos,
    },
    /// Ask the gate for a reduce-only order that closes this position (kill switch with `flatten`).
    Flatten {
        /// Instrument.
        symbol: Symbol,
        /// Leg.
        position_side: PositionSide,
        /// Signed holding.
        quantity: SignedQuantity,
    },
    /// What the manager allows from now on; the stricter of this and the gate's own state rules.
    RiskState(RiskState),
    /// Tell a person.
    Alert(Alert),
}

/// How much trading is allowed, most to least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskState {
    /// All of it.
    #[default]
    Active,
    /// Only what shrinks a position.
    Reducing,
    /// Nothing new but what shrinks a position by a reduce-only order.
    Halted,
}

/// What a person should know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Alert {
    /// An order is out of sight.
    OrderUnknown(ClientOrderId),
    /// A fill after the order's end was booked.
    LateFill(ClientOrderId, TradeId),
    /// More was traded than was asked for; booked, and trading only reduces.
    Overfill(ClientOrderId, Quantity),
    /// The venue and the log disagree; the symbol (or all) is held.
    Discrepancy(Discrepancy),
    /// A report that fits no state of the order; nothing was changed, the venue is asked.
    Contradiction(ClientOrderId, OrderState),
    /// A report with amounts that cannot be; nothing was changed.
    Malformed(ClientOrderId),
    /// A report of an order that is not in the log; the next reconciliation shows it.
    NotOurs(ClientOrderId),
    /// The log did not take a record: no new orders until it does.
    LogFailed,
    /// The log has everything again.
    LogRecovered,
    /// The wall clock jumped by so many nanoseconds.
    ClockJump(i64),
    /// The venue refused for our rate; silence for so many nanoseconds.
    RateLimited(i64),
    /// An intent grew too old before the log confirmed it, or nothing could be sent; it was never sent.
    NeverSent(ClientOrderId),
    /// An exit went out before its intent was in the log, because the log is down.
    SentUnlogged(ClientOrderId),
}

/// Why a submission or command was not taken. Nothing was changed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Denied {
    /// The kill switch is on.
    #[error("KILLED: the kill switch is on; re-arm it to trade again (reduce-only orders pass)")]
    Killed,
    /// The account only reduces.
    #[error("REDUCING: the account only reduces after an overfill or a contradiction; check it, then re-arm")]
    Reducing,
    /// The log is down.
    #[error("LOG_FAILED: the log does not take records, so nothing new is sent; free or mend the disk (cancels pass)")]
    LogFailed,
    /// Not connected.
    #[error("LINK_DOWN: there is no connection to the venue; wait for it")]
    LinkDown,
    /// Not compared with the venue since the start or the last connection.
    #[error("NOT_RECONCILED: the venue was not compared with the log since the last connection; wait for it")]
    NotReconciled,
    /// The venue asked for silence.
    #[error("VENUE_BUSY: the venue asked for silence (rate limit or maintenance); wait for it")]
    Busy,
    /// A discrepancy holds this symbol.
    #[error("HELD: {0} is held by a discrepancy; look at it and accept the venue's side, or wait for evidence")]
    Held(Symbol),
    /// An order of this symbol is unknown.
    #[error("UNKNOWN_ORDER: {0} has an order that is out of sight; wait for evidence or resolve it")]
    UnknownOrder(Symbol),
    /// Amounts beyond any account.
    #[error("OVERFLOW: the working notional would leave 64 bits; nothing real is that large")]
    Overflow,
    /// No such order.
    #[error("NO_SUCH_ORDER: {0} is not in the log; foreign orders are not ours to change")]
    NoSuchOrder(ClientOrderId),
    /// The order's state does not allow it.
    #[error("STATE: {0} is {1}; that cannot be done now")]
    State(ClientOrderId, &'static str),
    /// The venue has not answered yet.
    #[error("STILL_ASKED: the venue is being asked about {0}; wait for its answer, or resolve the order yourself")]
    StillAsked(ClientOrderId),
    /// An amendment that asks for more.
    #[error("AMEND_INCREASES: {0} can only be made smaller; send the rest as a new order through the gate")]
    AmendIncreases(ClientOrderId),
    /// No such discrepancy.
    #[error("NO_SUCH_DISCREPANCY: {0:#x} is not open; list the open ones")]
    NoSuchDiscrepancy(u64),
}

impl Denied {
    /// The code that its message begins with.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Killed => "KILLED",
            Self::Reducing => "REDUCING",
            Self::LogFailed => "LOG_FAILED",
            Self::LinkDown => "LINK_DOWN",
            Self::NotReconciled => "NOT_RECONCILED",
            Self::Busy => "VENUE_BUSY",
            Self::Held(_) => "HELD",
            Self::UnknownOrder(_) => "UNKNOWN_ORDER",
            Self::Overflow => "OVERFLOW",
            Self::NoSuchOrder(_) => "NO_SUCH_ORDER",
            Self::State(..) => "STATE",
            Self::StillAsked(_) => "STILL_ASKED",
            Self::AmendIncreases(_) => "AMEND_INCREASES",
            Self::NoSuchDiscrepancy(_) => "NO_SUCH_DISCREPANCY",
        }
    }
}

/// The answer to a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// Taken; it is sent once its intent is in the log.
    Taken,
    /// `DUPLICATE_ID`: this id is in use, or was; here is the state of the first order.
    Duplicate(OrderState),
    /// Not taken.
    Denied(Denied),
}
