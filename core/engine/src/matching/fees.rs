//! Fees: what a fill costs, exactly, for every venue of this crate.
//!
//! A [`FeeModel`] is configuration and has no state. What it needs to know comes as values: the fill, what its order
//! was charged before ([`Charges`]; minimum and fixed fees are per order, not per fill) and the traded value of the
//! last 30 days ([`RollingVolume`]). Rounding is half to even to 1e-8, for a fee as for a rebate, so that neither side
//! gains on average. A negative maker rate is a rebate: a negative fee. Cost: O(tiers) a fill, O(1) the volume.

use thiserror::Error;

use crate::types::{AmountError, Money, Price, Quantity, Ratio, SCALE, UtcNanos};

/// Whether a fill was waiting for its counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Liquidity {
    /// The order rested, somebody came.
    Maker,
    /// The order came and took what rested.
    Taker,
}

impl Liquidity {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maker => "maker",
            Self::Taker => "taker",
        }
    }
}

/// Rates that hold from a traded value on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeTier {
    /// Traded value of the last 30 days from which the tier holds.
    pub from_volume: Money,
    /// Share of the notional for a resting order; negative is a rebate.
    pub maker: Ratio,
    /// Share of the notional for an order that takes.
    pub taker: Ratio,
}

/// How a venue charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeeModel {
    /// One pair of rates.
    Flat {
        /// Share of the notional for a resting order; negative is a rebate.
        maker: Ratio,
        /// Share of the notional for an order that takes.
        taker: Ratio,
    },
    /// Rates by the traded value of the last 30 days; the first tier begins at 0, each next one higher.
    Tiered(Vec<FeeTier>),
    /// An amount a share, with bounds for the whole order. The upper bound wins where both apply.
    PerShare {
        /// Amount for one share.
        rate: Money,
        /// Least for an order that trades at all.
        minimum: Money,
        /// Most, as a share of what the order has traded.
        maximum: Ratio,
    },
    /// One amount an order, with its first fill.
    PerOrder(Money),
}

/// What an order has been charged so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charges {
    /// Quantity filled.
    pub quantity: Quantity,
    /// Value filled.
    pub notional: Money,
    /// Fees charged.
    pub fee: Money,
}

/// A fee model that cannot be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FeeError {
    /// A rate or amount out of its bounds.
    #[error("fee model: {what} {value} is not in {bound}")]
    Bound {
        /// Which number.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        bound: &'static str,
    },
    /// Tiers that leave a volume without a rate, or with two.
    #[error("fee model: tier {position} begins at {from_volume}; the first must begin at 0, each next above the last")]
    Tiers {
        /// Which tier, from 0; 0 also when there is none.
        position: usize,
        /// Where it begins.
        from_volume: Money,
    },
}

impl FeeModel {
    /// The same rate for everybody.
    #[must_use]
    pub const fn flat(rate: Ratio) -> Self {
        Self::Flat { maker: rate, taker: rate }
    }

    /// Check every number once, when the venue is made: -100 %..=100 % for a maker, 0..=100 % for a taker.
    ///
    /// # Errors
    /// The first number out of its bounds, or tiers out of order.
    pub fn validate(&self) -> Result<(), FeeError> {
        let within = |what, value: Ratio, least: i64, bound| {
            let inside = (least..=SCALE).contains(&value.raw());
            if inside { Ok(()) } else { Err(FeeError::Bound { what, value: value.to_string(), bound }) }
        };
        let rates = |maker, taker| {
            within("maker rate", maker, -SCALE, "-1..=1")?;
            within("taker rate", taker, 0, "0..=1")
        };
        let amount = |what, value: Money| {
            let text = value.to_string();
            if value >= Money::ZERO { Ok(()) } else { Err(FeeError::Bound { what, value: text, bound: "0 and more" }) }
        };
        match self {
            Self::Flat { maker, taker } => rates(*maker, *taker),
            Self::Tiered(tiers) => {
                let mut floor = None;
                for (position, tier) in tiers.iter().enumerate() {
                    let from_volume = tier.from_volume;
                    let in_order = floor.map_or(from_volume == Money::ZERO, |floor| from_volume > floor);
                    if !in_order {
                        return Err(FeeError::Tiers { position, from_volume });
                    }
                    floor = Some(from_volume);
                    rates(tier.maker, tier.taker)?;
                }
                floor.map(|_| ()).ok_or(FeeError::Tiers { position: 0, from_volume: Money::ZERO })
            }
            Self::PerShare { rate, minimum, maximum } => {
                amount("rate a share", *rate)?;
                amount("minimum", *minimum)?;
                within("maximum", *maximum, 0, "0..=1")
            }
            Self::PerOrder(fee) => amount("fee an order", *fee),
        }
    }

    /// Rates that hold at a 30-day volume; `None` for models without rates.
    #[must_use]
    pub fn rates(&self, volume: Money) -> Option<(Ratio, Ratio)> {
        match self {
            Self::Flat { maker, taker } => Some((*maker, *taker)),
            Self::Tiered(tiers) => tiers
                .iter()
                .take_while(|tier| tier.from_volume <= volume)
                .last()
                .or(tiers.first())
                .map(|tier| (tier.maker, tier.taker)),
            Self::PerShare { .. } | Self::PerOrder(_) => None,
        }
    }

    /// The fee of one fill: `before` is what its order was charged already, `volume` the 30-day volume.
    ///
    /// # Errors
    /// Overflow.
    pub fn fee(
        &self,
        price: Price,
        quantity: Quantity,
        liquidity: Liquidity,
        before: &Charges,
        volume: Money,
    ) -> Result<Money, AmountError> {
        self.fee_of(price.notional(quantity)?, quantity, liquidity, before, volume)
    }

    /// As [`FeeModel::fee`], of a fill whose value is known.
    ///
    /// # Errors
    /// Overflow.
    pub(super) fn fee_of(
        &self,
        notional: Money,
        quantity: Quantity,
        liquidity: Liquidity,
        before: &Charges,
        volume: Money,
    ) -> Result<Money, AmountError> {
        if let Some((maker, taker)) = self.rates(volume) {
            let rate = if liquidity == Liquidity::Maker { maker } else { taker };
            return if rate == Ratio::ZERO { Ok(Money::ZERO) } else { notional.times(rate) };
        }
        match self {
            Self::PerShare { rate, minimum, maximum } => {
                // What the order owes in all, less what it has paid: bounds are per order however it is cut into fills.
                let shares = add(before.quantity, quantity)?;
                let by_share = Price::from_raw(rate.raw()).notional(shares)?;
                let most = before.notional.plus(notional)?.times(*maximum)?;
                by_share.max(*minimum).min(most).minus(before.fee)
            }
            Self::PerOrder(fee) if before.quantity == Quantity::ZERO => Ok(*fee),
            Self::PerOrder(_) | Self::Flat { .. } | Self::Tiered(_) => Ok(Money::ZERO),
        }
    }
}

fn add(left: Quantity, right: Quantity) -> Result<Quantity, AmountError> {
    left.raw().checked_add(right.raw()).map(Quantity::from_raw).ok_or_else(|| AmountError::overflow("filled quantity"))
}

impl Charges {
    /// With one more fill.
    ///
    /// # Errors
    /// Overflow.
    pub fn with(self, price: Price, quantity: Quantity, fee: Money) -> Result<Self, AmountError> {
        self.with_value(price.notional(quantity)?, quantity, fee)
    }

    /// As [`Charges::with`], of a fill whose value is known.
    ///
    /// # Errors
    /// Overflow.
    pub(super) fn with_value(self, notional: Money, quantity: Quantity, fee: Money) -> Result<Self, AmountError> {
        Ok(Self {
            quantity: add(self.quantity, quantity)?,
            notional: self.notional.plus(notional)?,
            fee: self.fee.plus(fee)?,
        })
    }
}

const DAYS: usize = 30;

/// Traded value of the 30 UTC days before the current one. The day in progress does not count, as at the exchanges:
/// a tier changes at midnight only, never between two fills of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollingVolume {
    /// Day and traded value, oldest first; at most 31, the last may be in progress.
    days: Vec<(i64, Money)>,
}

impl RollingVolume {
    /// Nothing traded.
    #[must_use]
    pub const fn new() -> Self {
        Self { days: Vec::new() }
    }

    const fn day(at: UtcNanos) -> i64 {
        at.0.div_euclid(UtcNanos::DAY)
    }

    /// Count a fill. One that is older than the window is forgotten.
    ///
    /// # Errors
    /// Overflow; nothing is changed then.
    pub fn add(&mut self, at: UtcNanos, notional: Money) -> Result<(), AmountError> {
        let day = Self::day(at);
        let newest = self.days.last().map_or(day, |(newest, _)| day.max(*newest));
        match self.days.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(found) => {
                if let Some((_, value)) = self.days.get_mut(found) {
                    *value = value.plus(notional)?;
                }
            }
            Err(place) => self.days.insert(place, (day, notional)),
        }
        let window = i64::try_from(DAYS).unwrap_or_default();
        self.days.retain(|(day, _)| *day >= newest.saturating_sub(window));
        Ok(())
    }

    /// Volume that counts at an instant.
    ///
    /// # Errors
    /// Overflow.
    pub fn at(&self, at: UtcNanos) -> Result<Money, AmountError> {
        let today = Self::day(at);
        let window = i64::try_from(DAYS).unwrap_or_default();
        let counted = self.days.iter().filter(|(day, _)| *day < today && *day >= today.saturating_sub(window));
        counted.into_iter().try_fold(Money::ZERO, |sum, (_, value)| sum.plus(*value))
    }

    /// Days (since 1970, UTC) and their traded value, oldest first.
    #[must_use]
    pub fn days(&self) -> &[(i64, Money)] {
        &self.days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap_or_default()
    }

    fn ratio(text: &str) -> Ratio {
        Ratio::parse(text).unwrap_or_default()
    }

    fn one(model: &FeeModel, price: &str, quantity: i64, liquidity: Liquidity, volume: &str) -> String {
        let price = Price::parse(price).unwrap_or_default();
        let quantity = Quantity::from_raw(quantity * SCALE);
        model
            .fee(price, quantity, liquidity, &Charges::default(), money(volume))
            .map_or_else(|error| error.to_string(), |fee| fee.to_string())
    }

    #[test]
    fn a_maker_gets_its_rebate_and_a_taker_pays() {
        let model = FeeModel::Flat { maker: ratio("-0.0001"), taker: ratio("0.0004") };
        assert_eq!(one(&model, "100", 10, Liquidity::Maker, "0"), "-0.1");
        assert_eq!(one(&model, "100", 10, Liquidity::Taker, "0"), "0.4");
    }

    #[test]
    fn half_a_unit_goes_to_the_even_neighbour_for_fee_and_rebate_alike() {
        // 0.00000001 x 0.5 and 0.00000003 x 0.5 units.
        for (price, fee) in [("0.00000001", "0"), ("0.00000003", "0.00000002")] {
            assert_eq!(one(&FeeModel::flat(ratio("0.5")), price, 1, Liquidity::Taker, "0"), fee);
            let rebate = FeeModel::Flat { maker: ratio("-0.5"), taker: ratio("0.5") };
            assert_eq!(one(&rebate, price, 1, Liquidity::Maker, "0").trim_start_matches('-'), fee);
        }
    }

    #[test]
    fn a_tier_begins_at_its_volume() {
        let tier =
            |from_volume, taker| FeeTier { from_volume: money(from_volume), maker: ratio("0"), taker: ratio(taker) };
        let model = FeeModel::Tiered(vec![tier("0", "0.001"), tier("1000", "0.0005")]);
        assert_eq!(model.validate(), Ok(()));
        assert_eq!(one(&model, "100", 10, Liquidity::Taker, "999.99999999"), "1");
        assert_eq!(one(&model, "100", 10, Liquidity::Taker, "1000"), "0.5");
    }

    #[test]
    fn bounds_of_a_share_fee_are_per_order_however_it_is_filled() {
        let model = FeeModel::PerShare { rate: money("0.005"), minimum: money("1"), maximum: ratio("0.01") };
        assert_eq!(one(&model, "50", 100, Liquidity::Taker, "0"), "1", "minimum");
        assert_eq!(one(&model, "50", 1000, Liquidity::Taker, "0"), "5");
        assert_eq!(one(&model, "0.1", 1000, Liquidity::Taker, "0"), "1", "1 % of the value, not 5");
        let (price, lot) = (Price::parse("50").unwrap_or_default(), Quantity::from_raw(SCALE));
        let mut charges = Charges::default();
        for _ in 0..1000 {
            let fee = model.fee(price, lot, Liquidity::Taker, &charges, Money::ZERO).unwrap_or_default();
            charges = charges.with(price, lot, fee).unwrap_or_default();
        }
        assert_eq!(charges.fee, money("5"));
    }

    #[test]
    fn a_fixed_fee_is_charged_once() {
        let model = FeeModel::PerOrder(money("4.95"));
        let (price, lot) = (Price::parse("50").unwrap_or_default(), Quantity::from_raw(SCALE));
        let first = model.fee(price, lot, Liquidity::Maker, &Charges::default(), Money::ZERO);
        assert_eq!(first, Ok(money("4.95")));
        let paid = Charges::default().with(price, lot, money("4.95")).unwrap_or_default();
        assert_eq!(model.fee(price, lot, Liquidity::Maker, &paid, Money::ZERO), Ok(Money::ZERO));
    }

    #[test]
    fn hostile_models_are_refused() {
        let tier =
            |from_volume: &str| FeeTier { from_volume: money(from_volume), maker: ratio("0"), taker: ratio("0") };
        for model in [
            FeeModel::flat(ratio("1.1")),
            FeeModel::flat(ratio("-0.1")),
            FeeModel::Tiered(vec![]),
            FeeModel::Tiered(vec![tier("1")]),
            FeeModel::Tiered(vec![tier("0"), tier("0")]),
            FeeModel::PerOrder(money("-1")),
        ] {
            assert!(model.validate().is_err(), "{model:?}");
        }
    }

    #[test]
    fn volume_rolls_over_thirty_days_and_today_does_not_count() {
        let at = |day: i64| UtcNanos(day * UtcNanos::DAY + 5);
        let mut volume = RollingVolume::new();
        for day in 0..100 {
            assert_eq!(volume.add(at(day), money("10")), Ok(()));
            assert_eq!(volume.at(at(day)).ok(), Some(Money::from_raw(money("10").raw() * day.min(30))), "day {day}");
        }
        assert_eq!(volume.at(at(200)), Ok(Money::ZERO));
        assert!(volume.days().len() <= 31);
        assert_eq!(volume.add(at(98), money("1")), Ok(()), "a late fill");
        assert_eq!(volume.at(at(100)), Ok(money("301")));
    }
}
