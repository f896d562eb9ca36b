//! A position with the working orders around it, and its exposure in the worst case.

use crate::types::{AmountError, Money, Quantity, Side, SignedQuantity};

/// A position with the working orders around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    /// Signed holding.
    pub quantity: SignedQuantity,
    /// Its value at the last price.
    pub value: Money,
    /// Value of working buys that may add.
    pub buys: Money,
    /// Value of working sells that may add.
    pub sells: Money,
    /// Quantity of working buys that may add.
    pub buying: SignedQuantity,
    /// Quantity of working sells that may add.
    pub selling: SignedQuantity,
}

impl Leg {
    /// Exposure with sign in the worst case.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub fn signed(&self) -> Result<Money, AmountError> {
        let (up, down) = (self.value.plus(self.buys)?, self.value.minus(self.sells)?);
        Ok(if up.magnitude() >= down.magnitude() { up } else { down })
    }

    /// [`Leg::signed`] once working orders of `value` have come on one side.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub(super) fn signed_with(&self, side: Side, value: Money) -> Result<Money, AmountError> {
        let (buys, sells) = match side {
            Side::Buy => (self.buys.plus(value)?, self.sells),
            Side::Sell => (self.buys, self.sells.plus(value)?),
        };
        let (up, down) = (self.value.plus(buys)?, self.value.minus(sells)?);
        Ok(if up.magnitude() >= down.magnitude() { up } else { down })
    }

    #[inline]
    pub(super) fn with(mut self, side: Side, value: Money, quantity: i64) -> Result<Self, AmountError> {
        let quantity = SignedQuantity::from_raw(quantity);
        match side {
            Side::Buy => (self.buys, self.buying) = (self.buys.plus(value)?, self.buying.plus(quantity)?),
            Side::Sell => (self.sells, self.selling) = (self.sells.plus(value)?, self.selling.plus(quantity)?),
        }
        Ok(self)
    }

    /// Whether an order can only shrink the position: it says so itself (the venue cuts it to size), or the orders
    /// that already work on its side and it together are no more than the position.
    #[must_use]
    pub fn shrinks_by(&self, side: Side, quantity: Quantity, reduce_only: bool) -> bool {
        let (held, working) = match side {
            Side::Buy => (self.quantity.raw().saturating_neg(), self.buying.raw()),
            Side::Sell => (self.quantity.raw(), self.selling.raw()),
        };
        let working = if reduce_only { 0 } else { working };
        held > 0 && quantity.raw().saturating_add(working) <= held
    }
}
