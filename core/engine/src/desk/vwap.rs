//! Volume-weighted: slices in proportion to a profile of the day's volume.

use super::parent_terms::{MOST_SLICES, ParentError, in_bounds, part_of_span};
use crate::types::UtcNanos;

/// The span is cut into bins of equal length, one for each weight; a bin's share leaves in `slices_per_bin` equal
/// slices at equal distances from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vwap {
    /// Weights up to and including each bin.
    cumulative: Vec<u64>,
    slices_per_bin: u32,
}

impl Vwap {
    /// From the volume expected in each bin (any unit; only proportions count).
    ///
    /// # Errors
    /// No bins, too many slices, no volume at all, or more than 64 bits of it.
    pub fn new(profile: &[u64], slices_per_bin: u32) -> Result<Self, ParentError> {
        let bins = i128::try_from(profile.len()).unwrap_or(i128::MAX);
        in_bounds("bins of the volume profile", bins, 1, i128::from(MOST_SLICES))?;
        in_bounds("slices per bin", i128::from(slices_per_bin), 1, i128::from(MOST_SLICES))?;
        in_bounds("slices", bins * i128::from(slices_per_bin), 1, i128::from(MOST_SLICES))?;
        let mut sum = 0_u64;
        let mut cumulative = Vec::with_capacity(profile.len());
        for weight in profile {
            sum = sum.checked_add(*weight).ok_or(ParentError::Bound {
                what: "volume of the profile",
                value: "its sum".to_owned(),
                bound: format!("0..={}", u64::MAX),
            })?;
            cumulative.push(sum);
        }
        in_bounds("volume of the profile", i128::from(sum), 1, i128::from(u64::MAX))?;
        Ok(Self { cumulative, slices_per_bin })
    }

    pub(super) fn slots(&self) -> u32 {
        u32::try_from(self.cumulative.len()).unwrap_or(u32::MAX).saturating_mul(self.slices_per_bin)
    }

    pub(super) fn begins(&self, slot: u32, start: UtcNanos, end: UtcNanos) -> UtcNanos {
        part_of_span(start, end, slot, self.slots())
    }

    pub(super) fn share(&self, slot: u32) -> (u128, u128) {
        let (bin, inside) = (slot / self.slices_per_bin, slot % self.slices_per_bin);
        let index = usize::try_from(bin).unwrap_or(usize::MAX);
        let at = |index: usize| u128::from(self.cumulative.get(index).copied().unwrap_or_default());
        let before = index.checked_sub(1).map_or(0, at);
        let total = self.cumulative.last().copied().map_or(1, u128::from);
        let per_bin = u128::from(self.slices_per_bin);
        let sent = before * per_bin + (at(index).saturating_sub(before)) * (u128::from(inside) + 1);
        (sent, total * per_bin)
    }
}
