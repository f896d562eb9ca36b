//! Sums over all instruments of an account, changed by the difference.

use super::clusters::Clusters;
use crate::types::{AmountError, Money, Ratio, SCALE};

/// Sums over all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Cash plus position values.
    pub equity: Money,
    /// Sum of worst-case exposures, without sign.
    pub gross: Money,
    /// Sum of worst-case exposures, with sign.
    pub net: Money,
    clusters: [i64; Clusters::MOST],
    /// Sum of squared exposures in units of 2^20 * 1e-8.
    squares: u128,
}

impl Totals {
    /// The sums once one instrument's exposure has gone from `old` to `new`.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub(super) fn moved(&self, cluster: usize, old: Money, new: Money) -> Result<Moved, AmountError> {
        let net = self.clusters.get(cluster).copied().unwrap_or_default();
        Ok(Moved {
            gross: self.gross.minus(old.magnitude())?.plus(new.magnitude())?,
            net: self.net.minus(old)?.plus(new)?,
            of_cluster: net
                .checked_sub(old.raw())
                .and_then(|net| net.checked_add(new.raw()))
                .ok_or_else(|| AmountError::overflow("exposure"))?,
        })
    }

    /// Take over what [`Totals::moved`] worked out for the same arguments.
    #[inline]
    pub(super) fn keep(&mut self, cluster: usize, old: Money, new: Money, moved: &Moved) {
        (self.gross, self.net) = (moved.gross, moved.net);
        if let Some(net) = self.clusters.get_mut(cluster) {
            *net = moved.of_cluster;
        }
        self.squares = self.squares.wrapping_sub(square(old)).wrapping_add(square(new));
    }

    /// Signed exposure by cluster.
    pub(super) const fn clusters(&self) -> &[i64; Clusters::MOST] {
        &self.clusters
    }

    /// Sum of squared shares of gross exposure: 1 for one instrument, 1/n for n alike; none without exposure.
    #[must_use]
    pub fn concentration(&self) -> Option<Ratio> {
        let whole = square(self.gross);
        if whole == 0 {
            return None;
        }
        // 36 leading bits of each are more than the eight decimals need, and divide as 64-bit numbers.
        let shift = (u128::BITS - whole.leading_zeros()).saturating_sub(36);
        let (part, whole) = (u64::try_from(self.squares >> shift).ok()?, u64::try_from(whole >> shift).ok()?);
        i64::try_from(part.checked_mul(SCALE.unsigned_abs())? / whole).ok().map(Ratio::from_raw)
    }
}

/// What changes in the sums with one instrument.
pub(super) struct Moved {
    pub(super) gross: Money,
    pub(super) net: Money,
    of_cluster: i64,
}

#[inline]
fn square(money: Money) -> u128 {
    let units = u128::from(money.raw().unsigned_abs() >> 20);
    units * units
}
