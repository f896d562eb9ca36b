//! Time-weighted: equal slices at equal distances.

use super::parent_terms::ParentError;
use crate::types::{Quantity, UtcNanos};

/// Slice `i` of `slices` is due at `start + span * i / slices`; after it, `(i + 1) / slices` of the parent has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twap {
    /// Number of slices.
    pub slices: u32,
}

impl Twap {
    pub(super) fn validate(self) -> Result<(), ParentError> {
        super::parent_terms::in_bounds(
            "slices",
            i128::from(self.slices),
            1,
            i128::from(super::parent_terms::MOST_SLICES),
        )
    }

    /// When slot `slot` begins.
    pub(super) fn begins(self, slot: u32, start: UtcNanos, end: UtcNanos) -> UtcNanos {
        super::parent_terms::part_of_span(start, end, slot, self.slices)
    }

    /// The share of the parent that may have left once slot `slot` has begun, as a fraction.
    pub(super) fn share(self, slot: u32) -> (u128, u128) {
        (u128::from(slot) + 1, u128::from(self.slices))
    }
}

/// `quantity * numerator / denominator`, cut down to whole lots: the whole quantity at the end, to the last lot.
pub(super) fn share_in_lots(quantity: Quantity, lot: Quantity, (numerator, denominator): (u128, u128)) -> Quantity {
    let lot_size = u128::from(lot.raw().unsigned_abs().max(1));
    let lots = u128::from(quantity.raw().unsigned_abs()) / lot_size;
    let due = lots * numerator.min(denominator) / denominator.max(1) * lot_size;
    Quantity::from_raw(i64::try_from(due).unwrap_or(i64::MAX)).at_most(quantity)
}
