//! What open orders need, locked so that it cannot be spent twice.
//!
//! The caller keeps the [`Reservation`] with its order and hands it in with each fill and at the end of the order; the
//! account keeps the sums. Locked = sum of what the open reservations hold, and zero once all are released.

use super::position::{PositionSide, margin_of};
use super::{AccountKind, Booking, InstrumentIndex, Portfolio, PortfolioError};
use crate::types::{Currency, Money, Price, Quantity, Ratio, Side, SignedQuantity, Symbol, units};

/// What an order asks the account for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// What is to be traded.
    pub instrument: InstrumentIndex,
    /// Direction.
    pub side: Side,
    /// Leg; `Net` unless the account hedges.
    pub leg: PositionSide,
    /// How much.
    pub quantity: Quantity,
    /// Worst price it may trade at.
    pub price: Price,
    /// Share of the notional that fees may take, in the currency of the instrument.
    pub fee_rate: Ratio,
}

/// What the account holds back for one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// What is to be traded.
    pub instrument: InstrumentIndex,
    /// Leg.
    pub leg: PositionSide,
    /// Quantity that has not traded yet.
    pub quantity: Quantity,
    /// Cash or margin held back, in the currency of the instrument.
    pub cash: Money,
    /// Units held back (spot sales).
    pub units: Quantity,
}

impl Reservation {
    fn after(&self, traded: Quantity, symbol: Symbol) -> Result<Self, PortfolioError> {
        if traded > self.quantity {
            return Err(PortfolioError::ReservationTooSmall { symbol, left: self.quantity, asked: traded });
        }
        let rest = |whole: Quantity, part: Quantity| Quantity::from_raw(whole.raw().saturating_sub(part.raw()));
        Ok(Self {
            quantity: rest(self.quantity, traded),
            cash: self.cash.minus(self.cash.share(traded, self.quantity))?,
            // Units are the quantity itself or nothing.
            units: if self.units == Quantity::ZERO { self.units } else { rest(self.units, traded) },
            ..*self
        })
    }

    pub(super) fn after_fill(&self, fill: &Booking, symbol: Symbol) -> Result<Self, PortfolioError> {
        if (self.instrument, self.leg) != (fill.instrument, fill.leg) {
            let left = Quantity::ZERO;
            return Err(PortfolioError::ReservationTooSmall { symbol, left, asked: fill.quantity });
        }
        self.after(fill.quantity, symbol)
    }
}

impl Portfolio {
    /// Hold back what an order needs: cash and fee of a spot buy, units of a spot sale, the initial margin of the part
    /// that adds to the exposure (and the fee) otherwise. Checks the lot rules of the instrument first.
    ///
    /// # Errors
    /// A quantity or price that the instrument does not allow, or more than is free; nothing is changed then.
    pub fn reserve(&mut self, need: &Need) -> Result<Reservation, PortfolioError> {
        let Need { instrument, side, leg, quantity, price, fee_rate } = *need;
        self.check_leg(leg)?;
        let holding = self.holding(instrument)?;
        let (terms, position) = (holding.terms, &holding.leg(leg).position);
        holding.instrument.check_price("price", price)?;
        let held = if let Some(base) = terms.base.filter(|_| self.terms.kind == AccountKind::Spot) {
            SignedQuantity::from_raw(self.slot(base)?.total.raw())
        } else {
            position.quantity
        };
        holding.instrument.check_order_quantity(side, quantity, held)?;
        let notional = price.notional(Quantity::from_raw(units(quantity.signed(true), terms.multiplier)?.raw()))?;
        if notional < holding.instrument.min_notional {
            let (relation, bound) = ("below the minimum", holding.instrument.min_notional.to_string());
            let text = notional.to_string();
            return Err(crate::types::AmountError::OutOfBounds { what: "notional", text, relation, bound }.into());
        }
        let sells_held = terms.t_plus_one && !side.is_buy() && position.quantity.raw() > 0;
        if sells_held && quantity > position.sellable() {
            return Err(PortfolioError::NotEnoughUnits {
                symbol: holding.instrument.symbol,
                quantity,
                available: position.sellable(),
                way_out: "what was bought today can be sold from the next trading day on (T+1)",
            });
        }
        // A rebate is not counted on.
        let fee = super::rates::money(margin_of(i128::from(notional.raw()), fee_rate.max(Ratio::ZERO)))?;
        let mut made = Reservation { instrument, leg, quantity, cash: fee, units: Quantity::ZERO };
        if self.terms.kind == AccountKind::Spot {
            if side.is_buy() {
                made.cash = notional.plus(fee)?;
            } else {
                // The fee of a sale comes out of its proceeds.
                (made.cash, made.units) = (Money::ZERO, quantity);
            }
        } else {
            let adding = adding(position.quantity, side, quantity);
            let margin = margin_of(i128::from(notional.share(adding, quantity).raw()), terms.initial);
            made.cash = super::rates::money(margin)?.plus(fee)?;
        }
        self.lock(&made, terms.settle, terms.base)?;
        Ok(made)
    }

    fn lock(&mut self, made: &Reservation, settle: usize, base: Option<usize>) -> Result<(), PortfolioError> {
        let balance = self.slot(settle)?;
        let free = self.free_of(balance)?;
        if made.cash > Money::ZERO && made.cash > free {
            return Err(PortfolioError::NotEnoughCash { currency: balance.currency, needed: made.cash, free });
        }
        let locked = balance.locked.plus(made.cash)?;
        if made.units > Quantity::ZERO {
            match base {
                Some(slot) => {
                    let units = self.slot(slot)?;
                    let needed = Money::from_raw(made.units.raw());
                    if needed > units.free() {
                        let (currency, free) = (units.currency, units.free());
                        return Err(PortfolioError::NotEnoughCash { currency, needed, free });
                    }
                    let locked = units.locked.plus(needed)?;
                    self.set_locked(slot, locked);
                }
                None => self.lock_units(made)?,
            }
        }
        self.set_locked(settle, locked);
        Ok(())
    }

    fn set_locked(&mut self, slot: usize, locked: Money) {
        if let Some(balance) = self.balances.get_mut(slot) {
            balance.locked = locked;
        }
    }

    fn lock_units(&mut self, made: &Reservation) -> Result<(), PortfolioError> {
        let missing = || PortfolioError::unknown_index(made.instrument.0);
        let holding = self.holdings.get_mut(made.instrument.slot()).ok_or_else(missing)?;
        let symbol = holding.instrument.symbol;
        let available = holding.leg(made.leg).position.sellable();
        if made.units > available {
            return Err(PortfolioError::NotEnoughUnits {
                symbol,
                quantity: made.units,
                available,
                way_out: "a spot account is never short; cancel orders or use a margin account",
            });
        }
        let position = &mut holding.leg_mut(made.leg).position;
        position.locked = Quantity::from_raw(position.locked.raw().saturating_add(made.units.raw()));
        Ok(())
    }

    /// Give back what an order no longer needs: all of it at its end.
    ///
    /// # Errors
    /// A reservation of another account.
    pub fn release(&mut self, reservation: &mut Reservation) -> Result<(), PortfolioError> {
        let holding = self.holding(reservation.instrument)?;
        let (terms, units) = (holding.terms, reservation.units.raw());
        let left = reservation.after(reservation.quantity, holding.instrument.symbol)?;
        let locked = self.slot(terms.settle)?.locked.minus(reservation.cash)?;
        match terms.base {
            Some(slot) => {
                let locked = self.slot(slot)?.locked.minus(Money::from_raw(units))?;
                self.set_locked(slot, locked);
            }
            None => {
                if let Some(holding) = self.holdings.get_mut(reservation.instrument.slot()) {
                    let position = &mut holding.leg_mut(reservation.leg).position;
                    position.locked = Quantity::from_raw(position.locked.raw().saturating_sub(units).max(0));
                }
            }
        }
        self.set_locked(terms.settle, locked);
        *reservation = left;
        Ok(())
    }

    /// What can be spent or used as margin in a currency: free cash of a spot or isolated account; for the others what
    /// the equity leaves after initial margins and locks, in that currency.
    ///
    /// # Errors
    /// A missing or old rate, or overflow.
    pub fn free(&self, currency: Currency) -> Result<Money, PortfolioError> {
        match self.balances.iter().find(|balance| balance.currency == currency) {
            Some(balance) => self.free_of(balance),
            None if self.terms.kind == AccountKind::Spot || self.terms.kind.is_isolated() => Ok(Money::ZERO),
            None => self.free_margin_in(currency),
        }
    }

    /// [`Self::free`] of a currency whose balance is known.
    #[inline]
    fn free_of(&self, balance: &super::Balance) -> Result<Money, PortfolioError> {
        if self.terms.kind == AccountKind::Spot || self.terms.kind.is_isolated() {
            return Ok(balance.free());
        }
        self.free_margin_in(balance.currency)
    }
}

/// The part of an order that adds to the exposure of a position.
fn adding(held: SignedQuantity, side: Side, quantity: Quantity) -> Quantity {
    let closes = held.raw() != 0 && (held.raw() > 0) != side.is_buy();
    let closing = if closes { held.magnitude().raw() } else { 0 };
    Quantity::from_raw(quantity.raw().saturating_sub(closing).max(0))
}
