//! What a parent order is: its terms, its states, what it asks of the caller and what it is told.

use thiserror::Error;

use super::pov::Pov;
use super::twap::Twap;
use super::vwap::Vwap;
use crate::types::{AmountError, ClientOrderId, Instrument, Price, Quantity, Side, TextError, UtcNanos};

/// Most slices of one parent.
pub(super) const MOST_SLICES: u32 = 99_999;

/// A parent that cannot be worked, or a call that does not fit its state. Nothing was changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ParentError {
    /// A quantity or price that the instrument does not allow.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// An id without room for `-S<n>`.
    #[error("{id} leaves no room for the ids of its slices (-S99999): {source}")]
    Id {
        /// The parent.
        id: ClientOrderId,
        /// Why.
        source: TextError,
    },
    /// A value out of bounds.
    #[error("{what} {value} is not in {bound}")]
    Bound {
        /// Which value.
        what: &'static str,
        /// What was given.
        value: String,
        /// What there may be.
        bound: String,
    },
    /// A child that this parent did not send.
    #[error("{id} has no slice number {slice}; it has sent {sent}")]
    NoSuchSlice {
        /// The parent.
        id: ClientOrderId,
        /// The number given.
        slice: u32,
        /// Slices so far.
        sent: u32,
    },
    /// Nothing can be changed any more.
    #[error("{id} is {state}; send a new parent order")]
    Closed {
        /// The parent.
        id: ClientOrderId,
        /// Its state.
        state: &'static str,
    },
}

pub(super) fn in_bounds(what: &'static str, value: i128, least: i128, most: i128) -> Result<(), ParentError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(ParentError::Bound { what, value: value.to_string(), bound: format!("{least}..={most}") })
}

/// `start + (end - start) * part / parts`.
pub(super) fn part_of_span(start: UtcNanos, end: UtcNanos, part: u32, parts: u32) -> UtcNanos {
    let offset = i128::from(end.since(start)) * i128::from(part) / i128::from(parts.max(1));
    UtcNanos(start.0.saturating_add(i64::try_from(offset).unwrap_or(i64::MAX)))
}

/// How the parent is spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Equal slices.
    Twap(Twap),
    /// By a volume profile.
    Vwap(Vwap),
    /// By observed volume.
    Pov(Pov),
}

/// What happens to the rest when the time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndRule {
    /// Nothing more is sent.
    #[default]
    CancelRest,
    /// The rest leaves at the market.
    Cross,
}

/// What a parent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentRequest {
    /// Its id; children are `<id>-S<n>`.
    pub id: ClientOrderId,
    /// What is traded.
    pub instrument: Instrument,
    /// Direction.
    pub side: Side,
    /// All of it.
    pub quantity: Quantity,
    /// Limit of every slice; `None` sends market orders.
    pub limit: Option<Price>,
    /// First instant at which a slice may leave.
    pub start: UtcNanos,
    /// Its time is over.
    pub end: UtcNanos,
    /// Smallest slice; zero means one lot.
    pub minimum: Quantity,
    /// How it is spread.
    pub schedule: Schedule,
    /// What happens to the rest.
    pub at_end: EndRule,
}

/// Where a parent is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentState {
    /// Sending slices.
    Working,
    /// Its time is over; children are being cancelled (and the rest crossed).
    Ending,
    /// It was taken back; children are being cancelled.
    Cancelling,
    /// Done in full.
    Filled,
    /// Taken back with a rest.
    Cancelled,
    /// Ended with a rest.
    Expired,
}

impl ParentState {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Ending => "ending",
            Self::Cancelling => "cancelling",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether nothing more will be sent.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::Expired)
    }
}

/// What the caller is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentAction {
    /// Send a slice.
    Submit {
        /// Number of the slice, from 1.
        slice: u32,
        /// Its id.
        client_order_id: ClientOrderId,
        /// How much.
        quantity: Quantity,
        /// Limit, or `None` for the market.
        limit: Option<Price>,
    },
    /// Take a slice back.
    Cancel {
        /// Number of the slice.
        slice: u32,
        /// Its id.
        client_order_id: ClientOrderId,
    },
}

/// What became of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildReport {
    /// Part of it traded.
    Fill(Quantity),
    /// It is closed without more: rejected, refused by the gate, cancelled or expired.
    Closed,
    /// It could not be taken back yet; the next call of `advance` asks again.
    CancelRejected,
}
