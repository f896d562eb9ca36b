//! Where a simulated resting order stands in the queue of a venue of which only price levels and trades are known.
//!
//! The order joins behind all that is shown at its price. Trades there eat the queue from the front. Cancels are seen
//! only as a smaller level; where they stood is a matter of the model:
//! - [`QueueModel::RiskAverse`]: all stood behind, unless there were not enough behind. No model fills later.
//! - The others say that a cancel stood *behind* with probability `w(back) / (w(back) + w(front))`, with
//!   `w(x) = log(1 + x)` ([`QueueModel::Logarithm`]) or `w(x) = x^n` ([`QueueModel::Power`]; 1 spreads evenly, more
//!   protects the larger part), and move the order by the expected value. These are the models of hftbacktest's
//!   `LogProbQueueModel` and `PowerProbQueueModel`, in lots.
//!
//! A level that grows grows behind. A trade is followed by a smaller level in the same data, which must not count
//! twice: what was traded since the last change is not a cancel.
//!
//! Invariants: integers only, the place in 2^-32 lots, so results are the same on every machine; the place never moves
//! back; only trades fill; fills never exceed the order nor what was traded. Every event is O(1).

use thiserror::Error;

use super::steps::Lots;

/// Where a cancel stood that only the level's size tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueModel {
    /// Behind, as long as the level is large enough for that.
    RiskAverse,
    /// By the logarithms of the parts before and behind.
    Logarithm,
    /// By the parts before and behind to this power; 0 halves.
    Power(u8),
}

/// An event that cannot be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum QueueError {
    /// A quantity below zero.
    #[error("{what} {quantity} lots must be 0 or more; check the market data")]
    Negative {
        /// Which quantity.
        what: &'static str,
        /// Its value.
        quantity: i64,
    },
}

/// Bits behind the point of a place.
const POINT: u32 = 32;

/// One simulated order's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePosition {
    model: QueueModel,
    /// Before the order, in 2^-32 lots; below zero is traded quantity that reached the order.
    front: i128,
    /// Traded at the price since the level last changed.
    traded: i128,
    leaves: i64,
}

fn not_negative(what: &'static str, quantity: Lots) -> Result<i128, QueueError> {
    if quantity < Lots::ZERO {
        return Err(QueueError::Negative { what, quantity: quantity.0 });
    }
    Ok(i128::from(quantity.0))
}

impl QueuePosition {
    /// An order of `quantity` that joins behind `ahead`, the level's shown quantity.
    ///
    /// # Errors
    /// [`QueueError::Negative`].
    pub fn new(model: QueueModel, quantity: Lots, ahead: Lots) -> Result<Self, QueueError> {
        not_negative("order quantity", quantity)?;
        let front = not_negative("quantity ahead", ahead)? << POINT;
        Ok(Self { model, front, traded: 0, leaves: quantity.0 })
    }

    /// A trade at the order's price with its side of the book.
    ///
    /// # Errors
    /// [`QueueError::Negative`].
    pub fn on_trade(&mut self, quantity: Lots) -> Result<(), QueueError> {
        let quantity = not_negative("traded quantity", quantity)?;
        self.front = self.front.saturating_sub(quantity << POINT);
        self.traded = self.traded.saturating_add(quantity);
        Ok(())
    }

    /// A trade at a worse price than the order's, or the other side's quote at or through it: whatever stood before
    /// the order and the order itself are gone.
    pub fn on_trade_through(&mut self) {
        self.front = self.front.min(-(i128::from(self.leaves) << POINT));
    }

    /// The level at the order's price went from `previous` to `now` (shown quantities, without the order).
    ///
    /// # Errors
    /// [`QueueError::Negative`].
    pub fn on_level_change(&mut self, previous: Lots, now: Lots) -> Result<(), QueueError> {
        let previous = not_negative("previous level quantity", previous)?;
        let now = not_negative("level quantity", now)?;
        let traded = std::mem::take(&mut self.traded);
        // Only a trade fills, so a cancel stops at the front of the queue.
        let floor = self.front.min(0);
        let gone = previous - now - traded;
        if gone > 0 && self.model != QueueModel::RiskAverse {
            let front = self.front.max(0);
            let back = ((previous << POINT) - front).max(0);
            let behind = gone * self.share_behind(front, back);
            let before = (gone << POINT) - behind;
            let not_behind_after_all = (behind - back).max(0);
            self.front -= before + not_behind_after_all;
        }
        self.front = self.front.min(now << POINT).max(floor);
        Ok(())
    }

    /// Quantity before the order, a started lot counted in full.
    #[must_use]
    pub fn front(&self) -> Lots {
        let whole = (self.front.max(0) + ((1 << POINT) - 1)) >> POINT;
        Lots(i64::try_from(whole).unwrap_or(i64::MAX))
    }

    /// What the order still has.
    #[must_use]
    pub const fn leaves(&self) -> Lots {
        Lots(self.leaves)
    }

    /// Quantity filled since the last call.
    #[must_use]
    pub fn fills(&mut self) -> Lots {
        let reached = self.front.min(0).saturating_neg() >> POINT;
        let filled = i64::try_from(reached).unwrap_or(i64::MAX).min(self.leaves);
        self.leaves -= filled;
        // The fraction of a lot stays; what was traded beyond the order filled those behind it.
        self.front = if self.leaves == 0 { 0 } else { self.front + (i128::from(filled) << POINT) };
        Lots(filled)
    }

    /// Probability in 2^-32 that a cancel stood behind.
    fn share_behind(&self, front: i128, back: i128) -> i128 {
        let (front, back) = match self.model {
            QueueModel::RiskAverse => return 1 << POINT,
            QueueModel::Logarithm => (log2_of_one_plus(front), log2_of_one_plus(back)),
            QueueModel::Power(exponent) => {
                let largest = front.max(back).max(1);
                // Shares of the larger part in 2^-31: at most 2^126 on the way.
                (power((front << 31) / largest, exponent), power((back << 31) / largest, exponent))
            }
        };
        if front + back == 0 { 1 << POINT } else { (back << POINT) / (front + back) }
    }
}

/// `value^exponent` for a value of at most one, in 2^-31.
fn power(value: i128, exponent: u8) -> i128 {
    (0..exponent).fold(1 << 31, |product, _| (product * value) >> 31)
}

/// `log2(1 + x)` with x in 2^-32, the result in 2^-24: the whole part is the length, the rest comes bit by bit from
/// squaring.
fn log2_of_one_plus(x: i128) -> i128 {
    let value = (x.max(0) + (1 << POINT)).unsigned_abs();
    let length = value.ilog2();
    // One to two, in 2^-31.
    let mut mantissa = if length > 31 { value >> (length - 31) } else { value << (31 - length) };
    let mut result = i128::from(length) - i128::from(POINT);
    for _ in 0..24 {
        mantissa = (mantissa * mantissa) >> 31;
        result <<= 1;
        if mantissa >= 1 << 32 {
            mantissa >>= 1;
            result |= 1;
        }
    }
    result
}
