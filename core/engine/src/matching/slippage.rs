//! Slippage: how far a fill that takes is moved against the trader, in integers.
//!
//! The moved price is on the tick, rounded against the trader, and never below one tick. A venue may still bound it
//! (the bar venue keeps it inside the bar). Cost O(1).

use crate::types::{AmountError, Price, Quantity, Ratio, SCALE, Side};

/// How far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlippageModel {
    /// A share of the price.
    Ratio(Ratio),
    /// A number of ticks.
    Ticks(u32),
    /// A share of the price that grows with the share of the bar's volume that the fill is: `base + impact * quantity
    /// / volume`, linear, rounded up; a volume of 0 counts as a share of 1, and more than 1 is possible.
    VolumeImpact {
        /// Share of the price for the smallest fill.
        base: Ratio,
        /// Share of the price added for a fill as large as the whole volume.
        impact: Ratio,
    },
}

impl SlippageModel {
    /// None at all.
    pub const NONE: Self = Self::Ratio(Ratio::ZERO);

    /// The share of the price that a fill is moved by; `None` when it is counted in ticks.
    fn share(self, quantity: Quantity, volume: Quantity) -> Result<Option<Ratio>, AmountError> {
        Ok(match self {
            Self::Ratio(share) => Some(share),
            Self::Ticks(_) => None,
            Self::VolumeImpact { base, impact } => {
                let (part, whole) = if volume > Quantity::ZERO {
                    (i128::from(quantity.raw()), i128::from(volume.raw()))
                } else {
                    (1, 1)
                };
                let product = i128::from(impact.raw()) * part;
                let moved = product.div_euclid(whole) + i128::from(product.rem_euclid(whole) != 0);
                let overflow = AmountError::Overflow { what: "slippage" };
                let share = i128::from(base.raw()).checked_add(moved).and_then(|sum| i64::try_from(sum).ok());
                Some(Ratio::from_raw(share.ok_or(overflow)?))
            }
        })
    }

    /// `price` moved against the `side` that takes, for a fill of `quantity` in a bar of `volume`.
    ///
    /// # Errors
    /// Overflow.
    pub fn moved(
        self,
        side: Side,
        price: Price,
        tick: Price,
        quantity: Quantity,
        volume: Quantity,
    ) -> Result<Price, AmountError> {
        let overflow = || AmountError::Overflow { what: "price with slippage" };
        if let Self::Ticks(ticks) = self {
            let distance = tick.raw().checked_mul(i64::from(ticks)).ok_or_else(overflow)?;
            let moved =
                if side.is_buy() { price.raw().checked_add(distance) } else { price.raw().checked_sub(distance) };
            return Ok(Price::from_raw(moved.ok_or_else(overflow)?).max(tick));
        }
        let share = self.share(quantity, volume)?.unwrap_or_default();
        if side.is_buy() {
            return price.shifted(share, tick, true);
        }
        // A sale cannot lose more than the whole price.
        let share = share.min(Ratio::from_raw(SCALE));
        match price.shifted(Ratio::from_raw(-share.raw()), tick, false) {
            Err(AmountError::NotPositive { .. }) => Ok(tick),
            found => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOT: Quantity = Quantity::from_raw(SCALE);

    fn moved(model: SlippageModel, side: Side, price: &str, quantity: i64, volume: i64) -> String {
        let parse = |text| Price::parse(text).unwrap_or_default();
        let amount = |lots: i64| Quantity::from_raw(lots * LOT.raw());
        let found = model.moved(side, parse(price), parse("0.01"), amount(quantity), amount(volume));
        found.map_or_else(|error| error.to_string(), |price| price.to_string())
    }

    #[test]
    fn moves_against_the_trader_to_the_tick() {
        let share = SlippageModel::Ratio(Ratio::from_raw(55_000));
        assert_eq!(moved(share, Side::Buy, "100", 1, 1), "100.06");
        assert_eq!(moved(share, Side::Sell, "100", 1, 1), "99.94");
        assert_eq!(moved(SlippageModel::Ticks(3), Side::Buy, "100", 1, 1), "100.03");
        assert_eq!(moved(SlippageModel::Ticks(3), Side::Sell, "0.02", 1, 1), "0.01", "never below one tick");
        assert_eq!(moved(SlippageModel::NONE, Side::Sell, "100", 1, 1), "100");
    }

    #[test]
    fn impact_grows_with_the_share_of_the_volume() {
        let model = SlippageModel::VolumeImpact { base: Ratio::from_raw(10_000), impact: Ratio::from_raw(10_000_000) };
        assert_eq!(moved(model, Side::Buy, "100", 0, 100), "100.01");
        assert_eq!(moved(model, Side::Buy, "100", 10, 100), "101.01");
        assert_eq!(moved(model, Side::Buy, "100", 100, 100), "110.01");
        assert_eq!(moved(model, Side::Buy, "100", 5, 0), "110.01", "no volume counts as all of it");
        assert_eq!(moved(model, Side::Sell, "100", 100_000, 1), "0.01");
    }

    #[test]
    fn an_impact_between_two_units_is_rounded_against_the_trader() {
        // 7 units of 3 lots in 10: 2.1 units, so 3; of 10 in 10 exactly 7.
        let model = SlippageModel::VolumeImpact { base: Ratio::from_raw(5), impact: Ratio::from_raw(7) };
        let share = |lots: i64| model.share(Quantity::from_raw(lots), Quantity::from_raw(10)).ok().flatten();
        assert_eq!((share(3), share(10)), (Some(Ratio::from_raw(8)), Some(Ratio::from_raw(12))));
    }
}
