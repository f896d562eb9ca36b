//! What the manager is told: commands of ours, reports of the venue.

use serde::{Deserialize, Serialize};

use crate::orders::PositionSide;
use crate::types::{ClientOrderId, Money, Price, Quantity, Side, SignedQuantity, Symbol, TradeId, UtcNanos};

/// What an operator says about an order that nobody else can tell about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The venue never had it.
    Absent,
    /// It is over there, with the fills we have booked.
    Cancelled,
    /// It traded so much more than we have booked, at this price; a synthetic fill is booked.
    Filled {
        /// Quantity beyond what is booked.
        quantity: Quantity,
        /// Average price.
        price: Price,
    },
}

/// A command to the manager other than a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take one order back.
    Cancel(ClientOrderId),
    /// Make one order smaller or move its limit price. More quantity is a new order and needs the gate.
    Amend {
        /// The order.
        client_order_id: ClientOrderId,
        /// Its new whole quantity; `None` keeps it.
        quantity: Option<Quantity>,
        /// Its new limit price; `None` keeps it.
        price: Option<Price>,
    },
    /// Take all of our orders back, or those of one symbol.
    CancelAll {
        /// Which; empty for all.
        symbol: Symbol,
    },
    /// Stop: no new order, all of ours cancelled, latched until [`Command::Rearm`], also through a restart.
    Kill {
        /// Ask for orders that close every position.
        flatten: bool,
    },
    /// From here only what shrinks a position (a loss limit was crossed), latched likewise.
    Reduce,
    /// Take the kill switch and the reducing state back.
    Rearm,
    /// Accept the venue's side of a discrepancy.
    AcceptVenue(u64),
    /// Say what became of an unknown order.
    Resolve {
        /// The order.
        client_order_id: ClientOrderId,
        /// What became of it.
        resolution: Resolution,
    },
}

/// Why the venue refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectKind {
    /// It will not take this order.
    Refused,
    /// It has had this id already: proof that the order arrived, not that it is refused.
    DuplicateId,
    /// This copy of the request came after its receive window; another copy may have been in time.
    TooLate,
    /// Too many requests: certainly not processed; silence for so many nanoseconds.
    RateLimited {
        /// Nanoseconds.
        retry_after: i64,
    },
}

/// A fill as the venue reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillReport {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// The venue's id of the execution.
    pub trade_id: TradeId,
    /// Instrument.
    pub symbol: Symbol,
    /// Leg of a hedging account.
    pub position_side: PositionSide,
    /// Direction.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// At which price.
    pub price: Price,
    /// What it cost.
    pub fee: Money,
    /// When, by the venue's clock.
    pub ts_event: UtcNanos,
}

/// What the venue says an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VenueStatus {
    /// In its book, or asleep until its trigger.
    Working,
    /// Done in full.
    Filled,
    /// Taken back.
    Cancelled,
    /// Its time was over.
    Expired,
    /// Refused.
    Rejected,
}

/// An order as the venue shows it, in a query's answer or a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueOrder {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// Instrument.
    pub symbol: Symbol,
    /// Leg of a hedging account.
    pub position_side: PositionSide,
    /// Direction.
    pub side: Side,
    /// The whole quantity.
    pub quantity: Quantity,
    /// Limit price, where it has one.
    pub price: Option<Price>,
    /// Quantity done.
    pub filled: Quantity,
    /// What it is.
    pub status: VenueStatus,
    /// When the venue last changed it, by its clock.
    pub updated_at: UtcNanos,
}

/// A position as the venue shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenuePosition {
    /// Instrument.
    pub symbol: Symbol,
    /// Leg.
    pub position_side: PositionSide,
    /// Signed holding.
    pub quantity: SignedQuantity,
    /// Average price, where the venue has one; zero otherwise.
    pub average_price: Price,
}

/// The venue's answer to [`super::Effect::RequestSnapshot`]: everything open, the fills since the time asked for, all
/// positions that are not flat. An incomplete answer is no answer: the gateway pages until it has all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot<'a> {
    /// The request it answers.
    pub snapshot: u64,
    /// Open orders.
    pub orders: &'a [VenueOrder],
    /// Fills since the time that was asked for.
    pub fills: &'a [FillReport],
    /// Positions.
    pub positions: &'a [VenuePosition],
}

/// One message of the venue. `ts_event` is the venue's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VenueReport<'a> {
    /// It works.
    Accepted {
        /// The order.
        client_order_id: ClientOrderId,
        /// When.
        ts_event: UtcNanos,
    },
    /// It was refused.
    Rejected {
        /// The order.
        client_order_id: ClientOrderId,
        /// Why.
        kind: RejectKind,
        /// When.
        ts_event: UtcNanos,
    },
    /// Part of it traded.
    Fill(FillReport),
    /// It was taken back.
    Cancelled {
        /// The order.
        client_order_id: ClientOrderId,
        /// Quantity done in all, where the venue says so.
        filled: Option<Quantity>,
        /// When.
        ts_event: UtcNanos,
    },
    /// Its time was over, or the rest of an immediate order.
    Expired {
        /// The order.
        client_order_id: ClientOrderId,
        /// Quantity done in all, where the venue says so.
        filled: Option<Quantity>,
        /// When.
        ts_event: UtcNanos,
    },
    /// The venue would not take it back.
    CancelRejected {
        /// The order.
        client_order_id: ClientOrderId,
        /// Why.
        kind: RejectKind,
        /// When.
        ts_event: UtcNanos,
    },
    /// It was changed.
    Amended {
        /// The order.
        client_order_id: ClientOrderId,
        /// Its whole quantity now.
        quantity: Quantity,
        /// Its limit price now.
        price: Option<Price>,
        /// When.
        ts_event: UtcNanos,
    },
    /// The venue would not change it.
    AmendRejected {
        /// The order.
        client_order_id: ClientOrderId,
        /// Why.
        kind: RejectKind,
        /// When.
        ts_event: UtcNanos,
    },
    /// Its trigger has traded.
    Triggered {
        /// The order.
        client_order_id: ClientOrderId,
        /// When.
        ts_event: UtcNanos,
    },
    /// A request about this order timed out, broke, or was answered with "maybe" (-1006, -1007, 502, 504).
    Maybe {
        /// The order.
        client_order_id: ClientOrderId,
    },
    /// The answer to a query.
    Status {
        /// The query it answers.
        query: u64,
        /// The order.
        order: VenueOrder,
    },
    /// The answer to a query: no such order (now, and as far as that server knows).
    NotFound {
        /// The query it answers.
        query: u64,
        /// The order.
        client_order_id: ClientOrderId,
    },
    /// The venue asks for silence (429, 418, maintenance) in answer to something that is no order.
    Busy {
        /// Nanoseconds.
        retry_after: i64,
    },
    /// Connected and logged in.
    LinkUp,
    /// Not connected.
    LinkDown,
    /// The answer to a snapshot request.
    Snapshot(Snapshot<'a>),
}
