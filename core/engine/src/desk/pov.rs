//! Percentage of volume: a share of what trades in the market.

use super::parent_terms::{ParentError, in_bounds};
use crate::types::{Quantity, Ratio, SCALE, UtcNanos};

/// At every `interval` from the start, what has left catches up with `rate` of the volume observed since the start.
///
/// The volume is whatever the caller counts: with our own fills in it, `rate` is our share of the whole market; without
/// them, our share of what others trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pov {
    /// Share of the observed volume, above 0 and at most 1.
    pub rate: Ratio,
    /// Distance of two slices in nanoseconds.
    pub interval: i64,
    /// The largest slice, whatever was traded; a burst of volume is worked off in several. `None` for no cap.
    pub cap: Option<Quantity>,
}

impl Pov {
    pub(super) fn validate(self, lot: Quantity) -> Result<(), ParentError> {
        in_bounds("participation rate (in 1e-8)", i128::from(self.rate.raw()), 1, i128::from(SCALE))?;
        in_bounds("interval in nanoseconds", i128::from(self.interval), 1, i128::from(UtcNanos::DAY))?;
        match self.cap {
            Some(cap) if cap < lot => Err(ParentError::Bound {
                what: "cap",
                value: cap.to_string(),
                bound: format!("one lot ({lot}) or more"),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn begins(self, slot: u32, start: UtcNanos) -> UtcNanos {
        UtcNanos(start.0.saturating_add(self.interval.saturating_mul(i64::from(slot))))
    }

    /// What may have left, of `observed` volume.
    pub(super) fn due(self, observed: Quantity, lot: Quantity) -> Quantity {
        let share = i128::from(observed.raw().max(0)) * i128::from(self.rate.raw()) / i128::from(SCALE);
        let share = i64::try_from(share).unwrap_or(i64::MAX);
        Quantity::from_raw(share - share % lot.raw().max(1))
    }
}
