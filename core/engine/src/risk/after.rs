//! The account as an order would leave it.

use super::exposure::{Exposure, Leg, Row};
use crate::orders::OrderRequest;
use crate::types::{AmountError, Money, Price, SignedQuantity, scaled_down};

/// The account once an order is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// Cash plus position values, now.
    pub equity: Money,
    /// Position in the instrument, now.
    pub held: SignedQuantity,
    /// Position in the instrument once everything asked for here is done.
    pub position: SignedQuantity,
    /// Worst-case exposure in the instrument, without sign.
    pub instrument: Money,
    /// Worst-case exposure of the account, without sign.
    pub gross: Money,
    /// Worst-case exposure of the account, netted, without sign.
    pub net: Money,
    /// Correlated exposure of the instrument (see `Clusters`), without sign.
    pub correlated: Money,
    /// The strategy's exposure in the instrument, without sign.
    pub strategy_position: Money,
    /// The strategy's exposure, without sign.
    pub strategy_gross: Money,
    /// Highest own resting bid.
    pub own_bid: Option<Price>,
    /// Lowest own resting offer.
    pub own_ask: Option<Price>,
    /// Orders of the instrument whose state nobody knows.
    pub unknown: u32,
    /// Whether positions by strategy and own resting orders are known at all.
    pub detailed: bool,
}

impl Exposure {
    /// The account once an order of this value is done. O(clusters).
    #[inline]
    pub(super) fn after(&self, request: &OrderRequest, row: Option<&Row>, value: Money) -> Result<After, AmountError> {
        let none = Leg::default();
        let leg = row.map_or(&none, |row| &row.leg);
        // With what already works on the same side: two sales of the whole holding are one too many.
        let (sign, working) = if request.side.is_buy() { (1, leg.buying) } else { (-1, leg.selling) };
        let delta = request.quantity.raw().max(0).checked_add(working.raw());
        let delta = SignedQuantity::from_raw(delta.ok_or_else(|| AmountError::overflow("position"))? * sign);
        let (old, new) = (leg.signed()?, leg.signed_with(request.side, value)?);
        let cluster = row.map_or_else(|| self.clusters.of(&request.symbol), |row| row.cluster);
        let totals = self.totals();
        let moved = totals.moved(cluster, old, new)?;
        let correlated = self.clusters.exposure(cluster, old.raw(), new.raw(), totals.clusters());
        let correlated = scaled_down(correlated.unsigned_abs()).and_then(|raw| i64::try_from(raw).ok());
        let share = row.and_then(|row| row.share(&request.strategy));
        let mine = share.map_or(&none, |share| &share.leg);
        let (before, position) = (mine.signed()?.magnitude(), mine.signed_with(request.side, value)?.magnitude());
        let of_strategy = share.map_or_else(|| self.strategy_sum(&request.strategy), |share| self.sum_at(share.slot));
        Ok(After {
            equity: totals.equity,
            held: leg.quantity,
            position: leg.quantity.plus(delta)?,
            instrument: new.magnitude(),
            gross: moved.gross,
            net: moved.net.magnitude(),
            correlated: Money::from_raw(correlated.ok_or_else(|| AmountError::overflow("correlated exposure"))?),
            strategy_position: position,
            strategy_gross: of_strategy.minus(before)?.plus(position)?,
            own_bid: row.and_then(|row| row.best_bid),
            own_ask: row.and_then(|row| row.best_ask),
            unknown: row.map_or(0, |row| row.unknown),
            detailed: self.detailed,
        })
    }
}
