//! The order life cycle as one table.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::types::Quantity;

/// Where an order is in its life. Data lives in the state that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderState {
    /// Written to the log, not yet sent.
    Initialized,
    /// The risk gate said no; it was never sent.
    Refused,
    /// Sent, no answer yet.
    Submitted,
    /// Working at the venue.
    Accepted,
    /// Its trigger has traded; it works as a market or limit order now.
    Triggered,
    /// Working, part of it done.
    PartiallyFilled {
        /// Quantity done so far.
        filled: Quantity,
    },
    /// We asked to take it back; it may still trade.
    PendingCancel {
        /// Quantity done so far.
        filled: Quantity,
    },
    /// We asked to change it; it may still trade at its old terms.
    PendingAmend {
        /// Quantity done so far.
        filled: Quantity,
    },
    /// No answer where one was due. It keeps its reservation and is left only by evidence from the venue or by an
    /// operator; it is never shown as rejected or flat.
    Unknown {
        /// Quantity known to be done.
        filled: Quantity,
    },
    /// Done in full.
    Filled {
        /// Quantity done; more than was asked for when the venue overfilled.
        filled: Quantity,
    },
    /// Taken back; what was filled stays filled.
    Cancelled {
        /// Quantity done before (or just after) the cancel.
        filled: Quantity,
    },
    /// Its time was over, or the rest of an immediate order.
    Expired {
        /// Quantity done before.
        filled: Quantity,
    },
    /// The venue said no, or proved that it never had it.
    Rejected,
}

impl OrderState {
    /// Every wire value, in the order of life.
    pub const NAMES: [&'static str; 13] = [
        "initialized",
        "refused",
        "submitted",
        "accepted",
        "triggered",
        "partially_filled",
        "pending_cancel",
        "pending_amend",
        "unknown",
        "filled",
        "cancelled",
        "expired",
        "rejected",
    ];

    /// Wire value.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Initialized => "initialized",
            Self::Refused => "refused",
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Triggered => "triggered",
            Self::PartiallyFilled { .. } => "partially_filled",
            Self::PendingCancel { .. } => "pending_cancel",
            Self::PendingAmend { .. } => "pending_amend",
            Self::Unknown { .. } => "unknown",
            Self::Filled { .. } => "filled",
            Self::Cancelled { .. } => "cancelled",
            Self::Expired { .. } => "expired",
            Self::Rejected => "rejected",
        }
    }

    /// From its wire value and the quantity done; `None` for a name that no state has.
    #[must_use]
    pub fn parse(name: &str, filled: Quantity) -> Option<Self> {
        Some(match name {
            "initialized" => Self::Initialized,
            "refused" => Self::Refused,
            "submitted" => Self::Submitted,
            "accepted" => Self::Accepted,
            "triggered" => Self::Triggered,
            "partially_filled" => Self::PartiallyFilled { filled },
            "pending_cancel" => Self::PendingCancel { filled },
            "pending_amend" => Self::PendingAmend { filled },
            "unknown" => Self::Unknown { filled },
            "filled" => Self::Filled { filled },
            "cancelled" => Self::Cancelled { filled },
            "expired" => Self::Expired { filled },
            "rejected" => Self::Rejected,
            _ => return None,
        })
    }

    /// Whether nothing more is expected (a late fill is still booked).
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Filled { .. } | Self::Cancelled { .. } | Self::Expired { .. } | Self::Rejected
        )
    }

    /// Whether the venue may have it: it reserves cash and exposure.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.is_closed() && !matches!(self, Self::Initialized)
    }

    /// Quantity done so far.
    #[must_use]
    pub const fn filled(&self) -> Quantity {
        match self {
            Self::PartiallyFilled { filled }
            | Self::PendingCancel { filled }
            | Self::PendingAmend { filled }
            | Self::Unknown { filled }
            | Self::Filled { filled }
            | Self::Cancelled { filled }
            | Self::Expired { filled } => *filled,
            Self::Initialized | Self::Refused | Self::Submitted | Self::Accepted | Self::Triggered | Self::Rejected => {
                Quantity::ZERO
            }
        }
    }
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderEventKind {
    /// The risk gate said no.
    Refuse,
    /// We sent it.
    Submit,
    /// The venue took it.
    Accept,
    /// The venue refused it.
    Reject,
    /// Its trigger has traded.
    Trigger,
    /// Part or all of it traded.
    Fill {
        /// Quantity of this fill.
        quantity: Quantity,
        /// Quantity of the whole order.
        of: Quantity,
    },
    /// We asked to take it back.
    RequestCancel,
    /// It was taken back.
    Cancel,
    /// The venue would not take it back (it traded first, or is not known there).
    RejectCancel,
    /// We asked to change it.
    RequestAmend,
    /// It was changed.
    Amend,
    /// The venue would not change it.
    RejectAmend,
    /// Its time was over.
    Expire,
    /// The answer is overdue, or the link broke.
    LoseTrack,
    /// Found working at the venue, with this much done.
    Find {
        /// Quantity done by the venue's own count of fills we have booked.
        filled: Quantity,
        /// Quantity of the whole order.
        of: Quantity,
    },
    /// Proven: the venue never had it (past the horizon in which a lost request can still arrive).
    Absent,
}

impl OrderEventKind {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Submit => "submit",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Trigger => "trigger",
            Self::Fill { .. } => "fill",
            Self::RequestCancel => "request_cancel",
            Self::Cancel => "cancel",
            Self::RejectCancel => "reject_cancel",
            Self::RequestAmend => "request_amend",
            Self::Amend => "amend",
            Self::RejectAmend => "reject_amend",
            Self::Expire => "expire",
            Self::LoseTrack => "lose_track",
            Self::Find { .. } => "find",
            Self::Absent => "absent",
        }
    }
}

/// A step that is not in the table.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("an order that is {state} cannot {event}; the log and the venue disagree, so nothing was changed")]
pub struct IllegalTransition {
    /// State before.
    pub state: &'static str,
    /// What was attempted.
    pub event: &'static str,
}

/// Working, with so much done.
fn working(filled: Quantity) -> OrderState {
    if filled > Quantity::ZERO { OrderState::PartiallyFilled { filled } } else { OrderState::Accepted }
}

/// The state after `event`. This is the whole life cycle; a pair that is not here is an error.
///
/// Three rules run through it: a fill is real exposure and is booked in every state in which the venue may have had
/// the order, also after its end; news that is older than what is known changes nothing; and an unknown order is left
/// only by evidence.
///
/// # Errors
/// [`IllegalTransition`] for every pair that is not in the table.
pub fn transition(state: &OrderState, event: OrderEventKind) -> Result<OrderState, IllegalTransition> {
    use OrderEventKind as E;
    use OrderState as S;
    let filled = state.filled();
    let plus = |quantity: Quantity| Quantity::from_raw(filled.raw().saturating_add(quantity.raw()));
    Ok(match (state, event) {
        // Before the wire.
        (S::Initialized, E::Refuse) => S::Refused,
        (S::Initialized, E::Submit) => S::Submitted,
        (S::Initialized, E::Cancel) => S::Cancelled { filled },
        // Logged, and the process ended: it may or may not have been sent.
        (S::Initialized, E::LoseTrack) => S::Unknown { filled },

        // The venue's answer.
        (S::Submitted | S::Unknown { .. }, E::Accept) => working(filled),
        (S::Submitted | S::Unknown { .. }, E::Reject) => match filled {
            Quantity::ZERO => S::Rejected,
            // It traded, so the refusal can only mean the rest.
            filled => S::Cancelled { filled },
        },
        // The late acknowledgement of an order that already went on changes nothing.
        (
            S::Accepted
            | S::Triggered
            | S::PartiallyFilled { .. }
            | S::PendingCancel { .. }
            | S::PendingAmend { .. }
            | S::Filled { .. }
            | S::Cancelled { .. }
            | S::Expired { .. },
            E::Accept,
        ) => *state,
        (S::Submitted | S::Accepted | S::Unknown { filled: Quantity::ZERO }, E::Trigger) => S::Triggered,
        (
            S::Triggered
            | S::PartiallyFilled { .. }
            | S::PendingCancel { .. }
            | S::PendingAmend { .. }
            | S::Filled { .. },
            E::Trigger,
        ) => *state,

        // Fills. One can overtake the acknowledgement on the wire; one that crossed our cancel is booked all the same.
        (
            S::Submitted | S::Accepted | S::Triggered | S::PartiallyFilled { .. } | S::Rejected,
            E::Fill { quantity, of },
        ) => match plus(quantity) {
            filled if filled >= of => S::Filled { filled },
            filled => S::PartiallyFilled { filled },
        },
        (S::PendingCancel { .. }, E::Fill { quantity, of }) => match plus(quantity) {
            filled if filled >= of => S::Filled { filled },
            filled => S::PendingCancel { filled },
        },
        (S::PendingAmend { .. }, E::Fill { quantity, of }) => match plus(quantity) {
            filled if filled >= of => S::Filled { filled },
            filled => S::PendingAmend { filled },
        },
        (S::Unknown { .. }, E::Fill { quantity, of }) => match plus(quantity) {
            filled if filled >= of => S::Filled { filled },
            filled => S::PartiallyFilled { filled },
        },
        (S::Cancelled { .. }, E::Fill { quantity, .. }) => S::Cancelled { filled: plus(quantity) },
        (S::Expired { .. }, E::Fill { quantity, .. }) => S::Expired { filled: plus(quantity) },
        // More than was asked for: real exposure, so it is booked; who keeps the order flags it.
        (S::Filled { .. }, E::Fill { quantity, .. }) => S::Filled { filled: plus(quantity) },

        // Taking it back and changing it.
        (
            S::Submitted | S::Accepted | S::Triggered | S::PartiallyFilled { .. } | S::PendingAmend { .. },
            E::RequestCancel,
        ) => S::PendingCancel { filled },
        // A cancel may be tried on an order we lost sight of; it stays unknown until the venue says something.
        (S::Unknown { .. }, E::RequestCancel) => *state,
        (S::Unknown { .. }, E::RejectCancel) => *state,
        (S::Accepted | S::Triggered | S::PartiallyFilled { .. }, E::RequestAmend) => S::PendingAmend { filled },
        (
            S::Submitted
            | S::Accepted
            | S::Triggered
            | S::PartiallyFilled { .. }
            | S::PendingCancel { .. }
            | S::PendingAmend { .. }
            | S::Unknown { .. },
            E::Cancel,
        ) => S::Cancelled { filled },
        (S::PendingCancel { .. }, E::RejectCancel) => working(filled),
        (S::PendingAmend { .. }, E::Amend | E::RejectAmend) => working(filled),
        // The venue changed it after our cancel was on its way, or after we lost sight of it.
        (
            S::PendingCancel { .. } | S::Unknown { .. } | S::Accepted | S::Triggered | S::PartiallyFilled { .. },
            E::Amend,
        ) => *state,
        // The refusal of a cancel or change that the order's end has overtaken.
        (S::Filled { .. } | S::Cancelled { .. } | S::Expired { .. }, E::RejectCancel | E::RejectAmend | E::Amend) => {
            *state
        }
        (
            S::Submitted
            | S::Accepted
            | S::Triggered
            | S::PartiallyFilled { .. }
            | S::PendingCancel { .. }
            | S::PendingAmend { .. }
            | S::Unknown { .. },
            E::Expire,
        ) => S::Expired { filled },

        // Lost and found.
        (
            S::Submitted
            | S::Accepted
            | S::Triggered
            | S::PartiallyFilled { .. }
            | S::PendingCancel { .. }
            | S::PendingAmend { .. }
            | S::Unknown { .. },
            E::LoseTrack,
        ) => S::Unknown { filled },
        (S::Unknown { .. }, E::Find { filled: found, of }) => match filled.max(found) {
            filled if filled >= of => S::Filled { filled },
            filled => working(filled),
        },
        (S::Unknown { .. }, E::Absent) => match filled {
            Quantity::ZERO => S::Rejected,
            filled => S::Cancelled { filled },
        },
        (state, event) => return Err(IllegalTransition { state: state.as_str(), event: event.as_str() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Quantity = Quantity::from_raw(1);
    const TWO: Quantity = Quantity::from_raw(2);
    const FILL: OrderEventKind = OrderEventKind::Fill { quantity: ONE, of: TWO };

    fn walk(events: &[OrderEventKind]) -> Result<OrderState, IllegalTransition> {
        events.iter().try_fold(OrderState::Initialized, |state, event| transition(&state, *event))
    }

    #[test]
    fn fills_in_two_steps() {
        use OrderEventKind::{Accept, Submit};
        assert_eq!(walk(&[Submit, Accept, FILL]), Ok(OrderState::PartiallyFilled { filled: ONE }));
        assert_eq!(walk(&[Submit, Accept, FILL, FILL]), Ok(OrderState::Filled { filled: TWO }));
        assert_eq!(walk(&[Submit, FILL, Accept, FILL]), Ok(OrderState::Filled { filled: TWO }));
    }

    #[test]
    fn books_a_fill_that_crossed_the_cancel() {
        use OrderEventKind::{Accept, Cancel, Submit};
        assert_eq!(walk(&[Submit, Accept, Cancel, FILL]), Ok(OrderState::Cancelled { filled: ONE }));
    }

    #[test]
    fn refuses_steps_outside_the_table() {
        use OrderEventKind::{Absent, Accept, Cancel, Submit};
        for events in [
            &[Accept][..],
            &[FILL],
            &[Submit, Absent],
            &[Submit, Submit],
            &[Submit, Accept, Cancel, Cancel],
            &[Submit, Accept, FILL, FILL, Cancel],
        ] {
            assert!(walk(events).is_err(), "{events:?} was accepted");
        }
    }

    #[test]
    fn unknown_is_left_only_by_evidence() {
        use OrderEventKind::{Absent, Accept, LoseTrack, Reject, RequestAmend, RequestCancel, Submit};
        let unknown = OrderState::Unknown { filled: Quantity::ZERO };
        assert_eq!(walk(&[Submit, LoseTrack]), Ok(unknown));
        assert_eq!(walk(&[LoseTrack]), Ok(unknown), "logged, then the process ended");
        assert_eq!(walk(&[Submit, LoseTrack, Accept]), Ok(OrderState::Accepted));
        assert_eq!(walk(&[Submit, LoseTrack, Reject]), Ok(OrderState::Rejected));
        assert_eq!(walk(&[Submit, LoseTrack, Absent]), Ok(OrderState::Rejected));
        assert_eq!(walk(&[Submit, FILL, LoseTrack, Absent]), Ok(OrderState::Cancelled { filled: ONE }));
        assert!(walk(&[Submit, LoseTrack, RequestAmend]).is_err());
        assert_eq!(walk(&[Submit, LoseTrack, RequestCancel]), Ok(unknown));
    }

    #[test]
    fn every_fill_after_the_wire_is_counted() {
        use OrderEventKind::{Accept, Cancel, Expire, LoseTrack, Reject, RequestCancel, Submit};
        for events in [
            &[Submit, Cancel, FILL][..],
            &[Submit, Expire, FILL],
            &[Submit, Reject, FILL],
            &[Submit, LoseTrack, FILL],
            &[Submit, Accept, RequestCancel, FILL],
        ] {
            assert_eq!(walk(events).map(|state| state.filled()), Ok(ONE), "{events:?}");
        }
        assert_eq!(walk(&[Submit, Accept, FILL, FILL, FILL]).map(|state| state.filled()), Ok(Quantity::from_raw(3)));
    }

    #[test]
    fn a_refused_cancel_leaves_the_order_working() {
        use OrderEventKind::{Accept, RejectCancel, RequestCancel, Submit};
        assert_eq!(walk(&[Submit, Accept, RequestCancel, RejectCancel]), Ok(OrderState::Accepted));
        let partly = walk(&[Submit, FILL, RequestCancel, RejectCancel]);
        assert_eq!(partly, Ok(OrderState::PartiallyFilled { filled: ONE }));
    }

    #[test]
    fn names_read_back() {
        for name in OrderState::NAMES {
            assert_eq!(OrderState::parse(name, ONE).map(|state| state.as_str()), Some(name));
        }
        assert_eq!(OrderState::parse("lost", ONE), None);
    }
}
