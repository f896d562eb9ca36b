//! The order life cycle as one table.

use thiserror::Error;

use crate::types::Quantity;

/// Where an order is in its life. Data lives in the state that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Written to the log, not yet sent.
    Initialized,
    /// Sent, no answer yet.
    Submitted,
    /// Working at the venue.
    Accepted,
    /// Working, part of it done.
    PartiallyFilled {
        /// Quantity done so far.
        filled: Quantity,
    },
    /// Done in full.
    Filled {
        /// Quantity done.
        filled: Quantity,
    },
    /// Taken back; what was filled stays filled.
    Cancelled {
        /// Quantity done before (or just after) the cancel.
        filled: Quantity,
    },
    /// The venue said no.
    Rejected,
    /// No answer where one was due. It keeps its reservation and is left only by evidence from the venue.
    Unknown,
}

impl OrderState {
    /// Wire value.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Initialized => "initialized",
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::PartiallyFilled { .. } => "partially_filled",
            Self::Filled { .. } => "filled",
            Self::Cancelled { .. } => "cancelled",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing more is expected (a late fill after a cancel is still booked).
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Filled { .. } | Self::Cancelled { .. } | Self::Rejected)
    }

    /// Quantity done so far.
    #[must_use]
    pub const fn filled(&self) -> Quantity {
        match self {
            Self::PartiallyFilled { filled } | Self::Filled { filled } | Self::Cancelled { filled } => *filled,
            _ => Quantity::ZERO,
        }
    }
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEventKind {
    /// We sent it.
    Submit,
    /// The venue took it.
    Accept,
    /// The venue refused it.
    Reject,
    /// Part or all of it traded.
    Fill {
        /// Quantity of this fill.
        quantity: Quantity,
        /// Quantity of the whole order.
        of: Quantity,
    },
    /// It was taken back.
    Cancel,
    /// The answer is overdue.
    LoseTrack,
}

impl OrderEventKind {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Fill { .. } => "fill",
            Self::Cancel => "cancel",
            Self::LoseTrack => "lose_track",
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

/// The state after `event`.
///
/// # Errors
/// [`IllegalTransition`] for every pair that is not in the table.
pub fn transition(state: &OrderState, event: OrderEventKind) -> Result<OrderState, IllegalTransition> {
    use OrderEventKind as E;
    use OrderState as S;
    let after_fill = |quantity: Quantity, of: Quantity| {
        let filled = Quantity::from_raw(state.filled().raw().saturating_add(quantity.raw()));
        if filled >= of { S::Filled { filled } } else { S::PartiallyFilled { filled } }
    };
    Ok(match (state, event) {
        (S::Initialized, E::Submit) => S::Submitted,
        (S::Initialized, E::Cancel) => S::Cancelled { filled: Quantity::ZERO },
        (S::Submitted | S::Unknown, E::Accept) => S::Accepted,
        (S::Submitted | S::Unknown, E::Reject) => S::Rejected,
        // The fill can overtake the acknowledgement on the wire.
        (S::Submitted | S::Accepted | S::PartiallyFilled { .. } | S::Unknown, E::Fill { quantity, of }) => {
            after_fill(quantity, of)
        }
        // The late acknowledgement of an order that already traded changes nothing.
        (S::PartiallyFilled { .. } | S::Filled { .. }, E::Accept) => state.clone(),
        (S::Submitted | S::Accepted | S::PartiallyFilled { .. } | S::Unknown, E::Cancel) => {
            S::Cancelled { filled: state.filled() }
        }
        // A fill that crossed our cancel is real exposure and is booked; the order stays cancelled.
        (S::Cancelled { filled }, E::Fill { quantity, .. }) => {
            S::Cancelled { filled: Quantity::from_raw(filled.raw().saturating_add(quantity.raw())) }
        }
        (S::Submitted, E::LoseTrack) => S::Unknown,
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
        use OrderEventKind::{Accept, Cancel, LoseTrack, Reject, Submit};
        for events in [
            &[Accept][..],
            &[FILL],
            &[Submit, Submit],
            &[Submit, Reject, FILL],
            &[Submit, Accept, LoseTrack],
            &[Submit, Accept, Cancel, Cancel],
            &[Submit, Accept, FILL, FILL, FILL],
        ] {
            assert!(walk(events).is_err(), "{events:?} was accepted");
        }
    }

    #[test]
    fn unknown_is_left_only_by_evidence() {
        use OrderEventKind::{Accept, LoseTrack, Reject, Submit};
        assert_eq!(walk(&[Submit, LoseTrack]), Ok(OrderState::Unknown));
        assert_eq!(walk(&[Submit, LoseTrack, Accept]), Ok(OrderState::Accepted));
        assert_eq!(walk(&[Submit, LoseTrack, Reject]), Ok(OrderState::Rejected));
    }
}
