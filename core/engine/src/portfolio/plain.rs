//! The short way of booking a fill: a netting margin account that exchanges the notional.
//!
//! Nothing is asked for there, so nothing but an amount that does not fit can go wrong, and whatever is unusual (such an
//! amount, a fee in a third currency, a reservation of something else) is left to [`Portfolio::book_fill`]'s long way,
//! which has the words for it. The tests book the same fills both ways.

use super::booking::LegAfter;
use super::position::PositionSide;
use super::{Booking, Portfolio, Reservation};
use crate::types::{Money, Price, Quantity, TradeId};

impl Portfolio {
    /// Book a fill, all of it, and say what it realised; or change nothing.
    #[inline]
    pub(super) fn book_plain(&mut self, fill: &Booking, reservation: Option<&mut Reservation>) -> Option<Money> {
        let holding = self.holdings.get_mut(fill.instrument.slot()).filter(|holding| holding.terms.plain)?;
        let terms = &holding.terms;
        let usual = fill.quantity > Quantity::ZERO
            && fill.price > Price::ZERO
            && fill.leg == PositionSide::Net
            && fill.fee_currency.is_none()
            && !terms.t_plus_one;
        if !usual {
            return None;
        }
        let leg = &mut holding.long;
        let after = LegAfter::of(&leg.position, terms, fill).ok()?;
        let total_realised = holding.realised.plus(after.realised).ok()?;
        let value = fill.price.value(after.units).ok()?;
        value.minus(after.cost).ok()?;

        let balance = self.balances.get(terms.settle)?;
        let mut locked = balance.locked;
        let mut left = None;
        if let Some(reserved) = reservation.as_deref() {
            let same = (reserved.instrument, reserved.leg) == (fill.instrument, fill.leg);
            if !same || fill.quantity > reserved.quantity || reserved.units != Quantity::ZERO {
                return None;
            }
            let needed = reserved.cash.share(fill.quantity, reserved.quantity);
            locked = locked.minus(needed).ok()?;
            let quantity = Quantity::from_raw(reserved.quantity.raw() - fill.quantity.raw());
            left = Some((quantity, reserved.cash.minus(needed).ok()?));
        }
        let realised = balance.realised.plus(after.realised).ok()?;
        let total = balance.total.minus(after.notional).ok()?.minus(fill.fee).ok()?;
        let open_cost = balance.open_cost.minus(leg.position.cost).ok()?.plus(after.cost).ok()?;
        let fees = balance.fees.plus(fill.fee).ok()?;
        if let Some(slot) = terms.base {
            let base = self.balances.get_mut(slot)?;
            let delta = Money::from_raw(fill.quantity.signed(fill.side.is_buy()).raw());
            let (total, units_held) = (base.total.plus(delta).ok()?, base.units_held.plus(delta).ok()?);
            (base.total, base.units_held) = (total, units_held);
        }

        // Nothing below can fail.
        if let Some((reserved, (quantity, cash))) = reservation.zip(left) {
            (reserved.quantity, reserved.cash) = (quantity, cash);
        }
        let position = &mut leg.position;
        (position.quantity, position.units, position.cost) = (after.quantity, after.units, after.cost);
        (position.unsettled, position.last_price) = (after.unsettled, fill.price);
        if after.quantity.raw() == 0 {
            position.position_id = TradeId::EMPTY;
        } else if after.opened {
            position.position_id = fill.fill_id;
        }
        holding.realised = total_realised;
        let (old, new) = leg.refresh_at(i128::from(value.raw()), &holding.terms, false);
        let balance = self.balances.get_mut(holding.terms.settle)?;
        (balance.total, balance.locked, balance.realised) = (total, locked, realised);
        (balance.fees, balance.open_cost) = (fees, open_cost);
        balance.sums.replace(&old, &new);
        if let Some(ts_event) = fill.ts_event {
            self.now = self.now.max(ts_event);
        }
        Some(after.realised)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at a wrong shape")]
mod tests {
    use super::super::{AccountKind, AccountTerms, Need};
    use super::*;
    use crate::types::{ClientOrderId, Currency, Instrument, Ratio, SCALE, Side, Symbol, UtcNanos};

    fn account(base: bool) -> Portfolio {
        let usd = Currency::parse("USD").unwrap();
        let kind = AccountKind::Margin { leverage: Ratio::from_raw(5 * SCALE) };
        let mut made = Portfolio::open(AccountTerms::new(kind, usd)).unwrap();
        made.deposit(usd, Money::from_raw(1_000_000 * SCALE)).unwrap();
        let base = base.then(|| Currency::parse("BTC").unwrap());
        let instrument = Instrument { currency: usd, base, ..Instrument::finest(Symbol::parse("BTC/USD").unwrap()) };
        made.list(Instrument { maintenance_margin: Ratio::from_raw(SCALE / 20), ..instrument }).unwrap();
        made
    }

    #[test]
    fn the_short_way_and_the_long_way_leave_the_same_account() {
        for base in [false, true] {
            let (mut short, mut long, mut seed) = (account(base), account(base), 17_u64);
            let index = short.index_of("BTC/USD").unwrap();
            for step in 0..20_000_u32 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let side = if seed >> 63 == 0 { Side::Buy } else { Side::Sell };
                let quantity = Quantity::from_raw((seed >> 20 & 0xff_ffff).cast_signed() + 1);
                let price = Price::from_raw(60_000 * SCALE + (seed >> 44 & 0xffff).cast_signed());
                let id = ClientOrderId::parse(&format!("O-{step}")).unwrap().fill(1).unwrap();
                let fee = Money::from_raw((seed & 0xff).cast_signed() - 64);
                let fill = Booking {
                    fee,
                    ts_event: Some(UtcNanos(step.into())),
                    ..Booking::new(index, side, quantity, price, id)
                };
                // Every third order is larger than its fill: the rest of what it holds back is given up or goes on.
                let whole = Quantity::from_raw(quantity.raw() * if step % 3 == 0 { 3 } else { 1 });
                let need = Need {
                    instrument: index,
                    side,
                    leg: PositionSide::Net,
                    quantity: whole,
                    price,
                    fee_rate: Ratio::from_raw(10_000),
                };
                let mut held = short.reserve(&need).ok();
                let mut held_long = long.reserve(&need).ok();
                assert_eq!(held, held_long);
                let booked = short.book_plain(&fill, held.as_mut());
                assert_eq!(booked, long.book_any(&fill, held_long.as_mut()).ok(), "step {step}");
                assert!(booked.is_some());
                assert_eq!(held, held_long);
                if let (Some(held), Some(held_long)) = (&mut held, &mut held_long) {
                    short.release(held).unwrap();
                    long.release(held_long).unwrap();
                }
                assert!(short == long, "step {step}: {short:?} is not {long:?}");
            }
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_the_long_way_and_changes_nothing() {
        let mut short = account(true);
        let index = short.index_of("BTC/USD").unwrap();
        let before = short.clone();
        let (one, price) = (Quantity::from_raw(SCALE), Price::from_raw(100 * SCALE));
        let usual = Booking::new(index, Side::Buy, one, price, TradeId::EMPTY);
        let mut other = short.reserve(&Need {
            instrument: index,
            side: Side::Buy,
            leg: PositionSide::Net,
            quantity: Quantity::from_raw(SCALE / 2),
            price,
            fee_rate: Ratio::ZERO,
        });
        let reserved = short.clone();
        assert_eq!(short.book_plain(&usual, other.as_mut().ok()), None, "more than is reserved");
        assert!(short == reserved);
        short.release(other.as_mut().unwrap()).unwrap();
        let largest = Money::from_raw(i64::MIN);
        for unusual in [
            Booking { quantity: Quantity::ZERO, ..usual },
            Booking { quantity: Quantity::from_raw(-1), ..usual },
            Booking { price: Price::ZERO, ..usual },
            Booking { price: Price::from_raw(i64::MAX), quantity: Quantity::from_raw(2 * SCALE), ..usual },
            Booking { quantity: Quantity::from_raw(i64::MAX), ..usual },
            Booking { leg: PositionSide::Long, ..usual },
            Booking { fee: largest, ..usual },
            Booking { fee_currency: Some(Currency::parse("BNB").unwrap()), ..usual },
        ] {
            assert_eq!(short.book_plain(&unusual, None), None, "{unusual:?}");
            assert!(short == before, "{unusual:?}");
        }
    }
}
