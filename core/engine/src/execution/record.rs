//! What is written to the log, and how it maps onto the tables of the ops log.
//!
//! | record | table | columns |
//! |---|---|---|
//! | [`Record::Intent`] | `order_intent` | the request's fields; `type` = `order_type.as_str()`, `price` = `order_type.price()` |
//! | [`Record::Adopted`] | `order_intent` | the venue's fields; `approved_by` = `operator` |
//! | [`Record::Event`] | `order_event` | `seq` = `number`, `event`, `state_before`, `state`, `ts_event`, `reason` |
//! | [`Record::Fill`] | `fill`, and one `order_event` with `event` = `fill` | `fill_id` = symbol and trade id |
//! | the others | `audit` | `kind` = [`Record::kind`], `ref` = [`Record::reference`], `body` = the record as JSON |
//!
//! [`Record::table`], [`Record::kind`] and [`Record::reference`] give these as plain values. `run_id` and `account_id`
//! are the writer's. Every record carries what replay needs, so the log alone gives the state back.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::hashing::StateHasher;
use super::input::{FillReport, VenueOrder};
use crate::orders::{OrderEventKind, OrderRequest, OrderState, PositionSide};
use crate::types::{ClientOrderId, Price, Quantity, SignedQuantity, Symbol, UtcNanos};

/// One numbered record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// 1, 2, 3 ... without a gap.
    pub seq: u64,
    /// Our clock; never less than in the record before, whatever the clock does.
    pub ts_init: UtcNanos,
    /// What happened.
    pub record: Record,
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// We asked for it.
    Request,
    /// The venue reported it.
    Venue,
    /// The venue answered a query or a snapshot.
    Reconciliation,
    /// No answer in time, or a "maybe".
    Timeout,
    /// The connection broke.
    LinkLost,
    /// The process started again.
    Restart,
    /// The venue's list of open orders does not have it.
    MissingAtVenue,
    /// It was never sent: the log failed, the intent grew old, the link was down or trading was stopped.
    NeverSent,
    /// Another order of its group traded.
    Group,
    /// The kill switch.
    Kill,
    /// A person.
    Operator,
}

impl Reason {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Venue => "venue",
            Self::Reconciliation => "reconciliation",
            Self::Timeout => "timeout",
            Self::LinkLost => "link_lost",
            Self::Restart => "restart",
            Self::MissingAtVenue => "missing_at_venue",
            Self::NeverSent => "never_sent",
            Self::Group => "group",
            Self::Kill => "kill",
            Self::Operator => "operator",
        }
    }

    /// Whether the time of the event is the venue's.
    pub(super) const fn is_venue(self) -> bool {
        matches!(self, Self::Venue | Self::Reconciliation)
    }
}

/// A step of an order's life other than a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// Its how many-th event, from 1; fills count.
    pub number: u32,
    /// What happened.
    pub event: OrderEventKind,
    /// State before.
    pub before: OrderState,
    /// State after.
    pub after: OrderState,
    /// Whole quantity asked for (a request to amend) or in force (everything else).
    pub quantity: Quantity,
    /// Limit price, likewise.
    pub price: Option<Price>,
    /// The venue's clock where the venue said so, else ours.
    pub ts_event: UtcNanos,
    /// Who says so.
    pub reason: Reason,
}

/// A booked fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillRecord {
    /// As the venue reported it, or made up from its totals when `synthetic`.
    pub fill: FillReport,
    /// The order's how many-th event.
    pub number: u32,
    /// State of the order before.
    pub before: OrderState,
    /// State of the order after.
    pub after: OrderState,
    /// Made by adoption, with a deterministic trade id.
    pub synthetic: bool,
    /// Who says so.
    pub reason: Reason,
}

/// An order of the venue that the log did not have, taken over by an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    /// As the venue showed it.
    pub order: VenueOrder,
    /// Not one of ours: shown, counted, never cancelled.
    pub foreign: bool,
}

/// Where venue and log disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiscrepancyKind {
    /// Open here, not in the venue's list.
    MissingAtVenue {
        /// The order.
        client_order_id: ClientOrderId,
    },
    /// The venue had acknowledged it and does not know it any more.
    Vanished {
        /// The order.
        client_order_id: ClientOrderId,
    },
    /// At the venue, not in the log.
    UnknownOrder(VenueOrder),
    /// Working at the venue, closed here.
    OpenThere(VenueOrder),
    /// A fill of an order that is not in the log.
    UnknownFill(FillReport),
    /// The venue counts more of an order done than the fills it lists.
    FillsMissing {
        /// The order.
        client_order_id: ClientOrderId,
        /// Quantity booked.
        booked: Quantity,
        /// Quantity done by the venue's count.
        venue: Quantity,
    },
    /// The venue's position is not the sum of the fills.
    PositionDiffers {
        /// Leg.
        position_side: PositionSide,
        /// Sum of our fills.
        ours: SignedQuantity,
        /// The venue's.
        venue: SignedQuantity,
        /// The venue's average price.
        average_price: Price,
    },
}

/// One open disagreement. It holds its symbol until evidence or an operator ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// A hash of what disagrees: the same disagreement has the same id, also after a restart.
    pub id: u64,
    /// The symbol it holds.
    pub symbol: Symbol,
    /// What disagrees.
    pub kind: DiscrepancyKind,
}

impl Discrepancy {
    pub(super) fn new(symbol: Symbol, kind: DiscrepancyKind) -> Self {
        use DiscrepancyKind as K;
        let mut hasher = StateHasher::new();
        hasher.text(kind.as_str());
        hasher.text(&symbol);
        match &kind {
            K::MissingAtVenue { client_order_id } | K::Vanished { client_order_id } => hasher.text(client_order_id),
            K::UnknownOrder(order) | K::OpenThere(order) => hasher.text(&order.client_order_id),
            K::UnknownFill(fill) => hasher.text(&fill.trade_id),
            K::FillsMissing { client_order_id, booked, venue } => {
                hasher.text(client_order_id);
                hasher.signed(booked.raw());
                hasher.signed(venue.raw());
            }
            K::PositionDiffers { position_side, ours, venue, .. } => {
                hasher.text(position_side.as_str());
                hasher.signed(ours.raw());
                hasher.signed(venue.raw());
            }
        }
        let hash = hasher.finish();
        // 53 bits, so that it is exact in JSON and in a browser.
        let id = u64::try_from(hash & ((1 << 53) - 1)).unwrap_or_default();
        Self { id, symbol, kind }
    }

    /// The order it is about, if it is about one.
    #[must_use]
    pub const fn client_order_id(&self) -> Option<ClientOrderId> {
        use DiscrepancyKind as K;
        match &self.kind {
            K::MissingAtVenue { client_order_id }
            | K::Vanished { client_order_id }
            | K::FillsMissing { client_order_id, .. } => Some(*client_order_id),
            K::UnknownOrder(order) | K::OpenThere(order) => Some(order.client_order_id),
            K::UnknownFill(fill) => Some(fill.client_order_id),
            K::PositionDiffers { .. } => None,
        }
    }
}

impl DiscrepancyKind {
    /// Wire value.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::MissingAtVenue { .. } => "missing_at_venue",
            Self::Vanished { .. } => "vanished",
            Self::UnknownOrder(_) => "unknown_order",
            Self::OpenThere(_) => "open_there",
            Self::UnknownFill(_) => "unknown_fill",
            Self::FillsMissing { .. } => "fills_missing",
            Self::PositionDiffers { .. } => "position_differs",
        }
    }
}

/// A latched switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Switch {
    /// The kill switch went on.
    Kill,
    /// Only reducing orders from here.
    Reduce,
    /// A person took both back.
    Rearm,
}

/// Everything that changes the state that survives a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// An order, before it goes out.
    Intent(OrderRequest),
    /// A step of its life.
    Event(OrderEvent),
    /// A fill.
    Fill(FillRecord),
    /// An order taken over from the venue.
    Adopted(Adoption),
    /// A disagreement was found.
    Opened(Discrepancy),
    /// It is over.
    Closed {
        /// Which.
        id: u64,
        /// By evidence or by an operator.
        by: Reason,
    },
    /// A latch moved.
    Switch(Switch),
    /// The venue agreed with the log; every fill up to here is booked.
    Reconciled {
        /// The venue's clock, as far as we know it.
        until: UtcNanos,
    },
}

impl Record {
    /// The table of the ops log.
    #[must_use]
    pub const fn table(&self) -> &'static str {
        match self {
            Self::Intent(_) | Self::Adopted(_) => "order_intent",
            Self::Event(_) => "order_event",
            Self::Fill(_) => "fill",
            Self::Opened(_) | Self::Closed { .. } | Self::Switch(_) | Self::Reconciled { .. } => "audit",
        }
    }

    /// Wire name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Intent(_) => "intent",
            Self::Event(_) => "event",
            Self::Fill(_) => "fill",
            Self::Adopted(_) => "adopted",
            Self::Opened(_) => "discrepancy_opened",
            Self::Closed { .. } => "discrepancy_closed",
            Self::Switch(Switch::Kill) => "kill",
            Self::Switch(Switch::Reduce) => "reduce",
            Self::Switch(Switch::Rearm) => "rearm",
            Self::Reconciled { .. } => "reconciled",
        }
    }

    /// What it is about: the order's id, the discrepancy's number, or nothing.
    #[must_use]
    pub fn reference(&self) -> String {
        match self {
            Self::Intent(request) => request.client_order_id.to_string(),
            Self::Event(event) => event.client_order_id.to_string(),
            Self::Fill(record) => record.fill.client_order_id.to_string(),
            Self::Adopted(adoption) => adoption.order.client_order_id.to_string(),
            Self::Opened(discrepancy) => discrepancy.id.to_string(),
            Self::Closed { id, .. } => id.to_string(),
            Self::Switch(_) | Self::Reconciled { .. } => String::new(),
        }
    }
}

/// A log that does not hang together. Nothing was recovered from it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReplayError {
    /// A record is missing or stands twice.
    #[error("record {found} follows record {last}; restore the log or start from a reconciliation with an empty one")]
    Number {
        /// Number before.
        last: u64,
        /// Number found.
        found: u64,
    },
    /// A record of an order that has no intent.
    #[error("record {seq} is about {client_order_id}, which has no intent before it; the log is damaged")]
    NoIntent {
        /// The record.
        seq: u64,
        /// The order.
        client_order_id: ClientOrderId,
    },
    /// A second intent or fill of one id.
    #[error("record {seq} gives {what} a second time; the log is damaged")]
    Twice {
        /// The record.
        seq: u64,
        /// The id.
        what: String,
    },
    /// A step that the life cycle does not have, or from another state.
    #[error("record {seq} takes {client_order_id} from {before} to {after}, which cannot be; the log is damaged")]
    Step {
        /// The record.
        seq: u64,
        /// The order.
        client_order_id: ClientOrderId,
        /// State before.
        before: &'static str,
        /// State after.
        after: &'static str,
    },
}
