//! Booking a fill: everything that can fail is computed on copies first, then committed at once.
//!
//! A fill through zero of a netting account closes the old position and opens the rest on the other side, at the same
//! price. O(1), no allocation once the id of the position has its room.

use super::balance::Purse;
use super::position::{Position, PositionSide};
use super::{
    AccountKind, Balance, Holding, InstrumentIndex, Portfolio, PortfolioError, PositionMode, Reservation, Terms,
};
use crate::types::{Currency, Money, Price, Quantity, Side, SignedQuantity, TradeId, UtcNanos, units};

/// A fill as the account sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booking {
    /// What traded.
    pub instrument: InstrumentIndex,
    /// Direction of the order.
    pub side: Side,
    /// Leg it belongs to; `Net` unless the account hedges.
    pub leg: PositionSide,
    /// How much.
    pub quantity: Quantity,
    /// At which price.
    pub price: Price,
    /// What it cost; negative for a rebate.
    pub fee: Money,
    /// Currency of the fee; that of the instrument when none is given.
    pub fee_currency: Option<Currency>,
    /// Its id: that of the position when it opens one.
    pub fill_id: TradeId,
    /// Market time, if the account's clock is to follow it.
    pub ts_event: Option<UtcNanos>,
}

impl Booking {
    /// A fill of the net position without a fee.
    #[must_use]
    pub const fn new(
        instrument: InstrumentIndex,
        side: Side,
        quantity: Quantity,
        price: Price,
        fill_id: TradeId,
    ) -> Self {
        let (leg, fee) = (PositionSide::Net, Money::ZERO);
        Self { instrument, side, leg, quantity, price, fee, fee_currency: None, fill_id, ts_event: None }
    }
}

/// The figures of a leg after a fill, computed before anything is changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct LegAfter {
    pub(super) quantity: SignedQuantity,
    pub(super) units: SignedQuantity,
    pub(super) cost: Money,
    margin: Money,
    pub(super) unsettled: Quantity,
    pub(super) realised: Money,
    /// Signed notional of the fill.
    pub(super) notional: Money,
    /// Whether the fill opened the position (from flat or through zero).
    pub(super) opened: bool,
}

/// A balance that only the fee touches.
struct ThirdCurrency {
    slot: usize,
    before: Balance,
    after: Purse,
}

impl LegAfter {
    #[inline]
    pub(super) fn of(position: &Position, terms: &Terms, fill: &Booking) -> Result<Self, PortfolioError> {
        let delta = fill.quantity.signed(fill.side.is_buy());
        let notional = fill.price.value(units(delta, terms.multiplier)?)?;
        let held = position.quantity;
        let quantity = held.plus(delta)?;
        let opposite = held.raw() != 0 && (held.raw() > 0) != (delta.raw() > 0);
        let (mut cost, mut margin, mut realised) = (position.cost.plus(notional)?, position.margin, Money::ZERO);
        if opposite {
            let closing = held.magnitude().at_most(fill.quantity);
            let closing_notional = notional.share(closing, fill.quantity);
            let closing_cost = position.cost.share(closing, held.magnitude());
            realised = closing_notional.negated().minus(closing_cost)?;
            cost = position.cost.minus(closing_cost)?.plus(notional.minus(closing_notional)?)?;
            margin = margin.minus(margin.share(closing, held.magnitude()))?;
        }
        let turned = opposite && quantity.raw() != 0 && (quantity.raw() > 0) == (delta.raw() > 0);
        let opened = quantity.raw() != 0 && (held.raw() == 0 || turned);
        let bought = terms.t_plus_one && fill.side.is_buy();
        let unsettled = if bought {
            let today = SignedQuantity::from_raw(position.unsettled.raw()).plus(delta)?.magnitude();
            today.at_most(Quantity::from_raw(quantity.raw().max(0)))
        } else {
            position.unsettled.at_most(Quantity::from_raw(quantity.raw().max(0)))
        };
        let units = units(quantity, terms.multiplier)?;
        Ok(Self { quantity, units, cost, margin, unsettled, realised, notional, opened })
    }

    /// Notional of the part that opened or added, which isolated margin must be put aside for.
    fn added(&self, position: &Position, fill: &Booking) -> Money {
        let held = position.quantity.raw();
        let same_side = held == 0 || (held > 0) == fill.side.is_buy();
        if same_side {
            self.notional.magnitude()
        } else if self.opened {
            self.cost.magnitude()
        } else {
            Money::ZERO
        }
    }
}

impl Portfolio {
    /// Book a fill; returns the profit it realised, before its fee. With a reservation, what the fill needed of it is
    /// given back in the same step.
    ///
    /// Spot accounts refuse what they cannot pay or do not hold. Margin and futures accounts book what the venue
    /// reports: what follows from it is for [`Portfolio::margin_state`] to say.
    ///
    /// # Errors
    /// A quantity or price of zero or less, overflow, a leg that the mode does not have, more than a spot account or a
    /// hedged leg holds, a T+1 sale of what was bought today. Nothing is changed then.
    pub fn book_fill(
        &mut self,
        fill: &Booking,
        mut reservation: Option<&mut Reservation>,
    ) -> Result<Money, PortfolioError> {
        if let Some(realised) = self.book_plain(fill, reservation.as_deref_mut()) {
            return Ok(realised);
        }
        self.book_any(fill, reservation)
    }

    /// [`Self::book_fill`] for every kind of account, with every refusal.
    pub(super) fn book_any(
        &mut self,
        fill: &Booking,
        reservation: Option<&mut Reservation>,
    ) -> Result<Money, PortfolioError> {
        let isolated = self.terms.kind.is_isolated();
        let holding = self.holding(fill.instrument)?;
        let terms = holding.terms;
        self.check_fill(holding, fill)?;
        let position = &holding.leg(fill.leg).position;
        let mut after = LegAfter::of(position, &terms, fill)?;
        let total_realised = holding.realised.plus(after.realised)?;

        let settle_before = self.slot(terms.settle)?;
        let mut settle = Purse::of(settle_before);
        let base_before = terms.base.map(|slot| self.slot(slot)).transpose()?;
        let mut base = base_before.map(Purse::of);

        let mut locked = position.locked;
        let left = match reservation.as_deref() {
            None => None,
            Some(reserved) => Some(reserved.after_fill(fill, holding.instrument.symbol)?),
        };
        if let (Some(left), Some(reserved)) = (&left, reservation.as_deref()) {
            settle.locked = settle.locked.minus(reserved.cash.minus(left.cash)?)?;
            let released = reserved.units.raw().saturating_sub(left.units.raw());
            match &mut base {
                Some(base) => base.locked = base.locked.minus(Money::from_raw(released))?,
                None => locked = Quantity::from_raw(locked.raw().saturating_sub(released).max(0)),
            }
        }

        settle.realised = settle.realised.plus(after.realised)?;
        if terms.exchanges {
            settle.total = settle.total.minus(after.notional)?;
            settle.open_cost = settle.open_cost.minus(position.cost)?.plus(after.cost)?;
        } else {
            settle.total = settle.total.plus(after.realised)?;
        }
        if let Some(base) = &mut base {
            let delta = Money::from_raw(fill.quantity.signed(fill.side.is_buy()).raw());
            base.total = base.total.plus(delta)?;
            base.units_held = base.units_held.plus(delta)?;
        }
        let third = self.pay_fee(fill, &mut settle, base.as_mut())?;

        if isolated {
            settle.isolated = settle.isolated.minus(position.margin)?.plus(after.margin)?;
            let asked = super::position::margin_of(i128::from(after.added(position, fill).raw()), terms.initial);
            // What the wallet does not have cannot be put aside: free cash never goes below zero for a margin.
            let put_aside = asked.min(i128::from(settle.free().raw().max(0)));
            let put_aside = super::rates::money(put_aside)?;
            after.margin = after.margin.plus(put_aside)?;
            settle.isolated = settle.isolated.plus(put_aside)?;
        }
        if self.terms.kind == AccountKind::Spot {
            if !fill.side.is_buy() && base.is_none() && after.quantity.raw() < locked.raw() {
                return Err(self.too_few(holding, fill, locked));
            }
            settle.check_free(settle_before)?;
            if let (Some(base), Some(before)) = (&base, base_before) {
                base.check_free(before)?;
            }
            if let Some(third) = &third {
                third.after.check_free(&third.before)?;
            }
        }
        // A value that cannot be told must not get in: the totals would refuse for ever after.
        let value = fill.price.value(after.units)?;
        value.minus(after.cost)?;

        // Nothing below can fail.
        if let Some((reserved, left)) = reservation.zip(left) {
            *reserved = left;
        }
        if let Some(third) = third {
            let mut balance = third.before;
            third.after.put_into(&mut balance);
            self.put(third.slot, balance);
        }
        if let Some((slot, purse)) = terms.base.zip(base)
            && let Some(balance) = self.balances.get_mut(slot)
        {
            purse.put_into(balance);
        }
        if let Some(holding) = self.holdings.get_mut(fill.instrument.slot())
            && let Some(balance) = self.balances.get_mut(terms.settle)
        {
            settle.put_into(balance);
            holding.realised = total_realised;
            let hedging = self.terms.position_mode == PositionMode::Hedging;
            let leg = holding.leg_mut(fill.leg);
            let position = &mut leg.position;
            (position.quantity, position.units, position.cost) = (after.quantity, after.units, after.cost);
            (position.margin, position.unsettled, position.locked) = (after.margin, after.unsettled, locked);
            position.last_price = fill.price;
            if after.quantity.raw() == 0 {
                position.position_id = TradeId::EMPTY;
            } else if after.opened {
                position.position_id = fill.fill_id;
            }
            let (old, new) = leg.refresh_at(i128::from(value.raw()), &terms, isolated);
            balance.sums.replace(&old, &new);
            // The other leg has the same price.
            let other = if fill.leg == PositionSide::Short { &mut holding.long } else { &mut holding.short };
            if hedging && other.position.quantity.raw() != 0 {
                other.position.last_price = fill.price;
                let (old, new) = other.refresh(&terms, isolated);
                balance.sums.replace(&old, &new);
            }
        }
        if let Some(ts_event) = fill.ts_event {
            self.now = self.now.max(ts_event);
        }
        Ok(after.realised)
    }

    fn check_fill(&self, holding: &Holding, fill: &Booking) -> Result<(), PortfolioError> {
        if fill.quantity <= Quantity::ZERO {
            return Err(PortfolioError::NotPositive { what: "fill quantity", value: fill.quantity.to_string() });
        }
        if fill.price <= Price::ZERO {
            return Err(PortfolioError::NotPositive { what: "fill price", value: fill.price.to_string() });
        }
        self.check_leg(fill.leg)?;
        let held = holding.leg(fill.leg).position.quantity;
        let closes = match fill.leg {
            PositionSide::Net => false,
            PositionSide::Long => !fill.side.is_buy(),
            PositionSide::Short => fill.side.is_buy(),
        };
        if closes && fill.quantity > held.magnitude() {
            return Err(PortfolioError::NotEnoughUnits {
                symbol: holding.instrument.symbol,
                quantity: fill.quantity,
                available: held.magnitude(),
                way_out: "a leg is closed with at most what it holds",
            });
        }
        let position = &holding.leg(fill.leg).position;
        let old_units = position.quantity.raw().saturating_sub(position.unsettled.raw()).max(0);
        if holding.terms.t_plus_one && !fill.side.is_buy() && held.raw() > 0 && fill.quantity.raw() > old_units {
            return Err(PortfolioError::NotEnoughUnits {
                symbol: holding.instrument.symbol,
                quantity: fill.quantity,
                available: Quantity::from_raw(old_units),
                way_out: "what was bought today can be sold from the next trading day on (T+1)",
            });
        }
        Ok(())
    }

    pub(super) fn check_leg(&self, leg: PositionSide) -> Result<(), PortfolioError> {
        let (mode, wanted) = match self.terms.position_mode {
            PositionMode::Netting if leg != PositionSide::Net => ("netting", "net"),
            PositionMode::Hedging if leg == PositionSide::Net => ("hedging", "long or short"),
            _ => return Ok(()),
        };
        Err(PortfolioError::WrongLeg { leg: leg.as_str(), mode, wanted })
    }

    #[cold]
    fn too_few(&self, holding: &Holding, fill: &Booking, locked: Quantity) -> PortfolioError {
        let held = holding.leg(fill.leg).position.quantity.raw();
        PortfolioError::NotEnoughUnits {
            symbol: holding.instrument.symbol,
            quantity: fill.quantity,
            available: Quantity::from_raw(held.saturating_sub(locked.raw()).max(0)),
            way_out: "a spot account is never short; cancel orders or use a margin account",
        }
    }

    /// Charge the fee where it belongs; the balance of a third currency is returned as it was and as it becomes.
    fn pay_fee(
        &self,
        fill: &Booking,
        settle: &mut Purse,
        base: Option<&mut Purse>,
    ) -> Result<Option<ThirdCurrency>, PortfolioError> {
        let currency = fill.fee_currency.unwrap_or(settle.currency);
        if currency == settle.currency {
            settle.pay_fee(fill.fee)?;
            return Ok(None);
        }
        if let Some(base) = base.filter(|base| base.currency == currency) {
            base.pay_fee(fill.fee)?;
            return Ok(None);
        }
        let known = self.balances.iter().position(|balance| balance.currency == currency);
        let before = known.map_or_else(|| Ok(Balance::new(currency)), |slot| self.slot(slot).copied())?;
        let mut after = Purse::of(&before);
        after.pay_fee(fill.fee)?;
        Ok(Some(ThirdCurrency { slot: known.unwrap_or(self.balances.len()), before, after }))
    }

    pub(super) fn slot(&self, slot: usize) -> Result<&Balance, PortfolioError> {
        // Slots come from `balance_slot` alone.
        self.balances.get(slot).ok_or_else(|| PortfolioError::unknown_index(u32::try_from(slot).unwrap_or(u32::MAX)))
    }

    pub(super) fn put(&mut self, slot: usize, balance: Balance) {
        match self.balances.get_mut(slot) {
            Some(place) => *place = balance,
            // The first fee in a currency that was never used.
            None => self.balances.push(balance),
        }
    }
}
