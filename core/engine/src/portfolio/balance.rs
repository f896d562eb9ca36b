//! One currency of an account and the identity that explains it.
//!
//! Every unit of a currency is explained, exactly, by
//! `total = deposits + realised - open cost + units held - fees + funding - interest + deficit`, where the open cost is
//! that of positions whose notional was exchanged in this currency, and the units held are positions whose base is this
//! currency (`BTC` of `BTC/USDT`).

use super::PortfolioError;
use super::position::Sums;
use crate::types::{Currency, Money, Ratio};

/// One currency of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Which.
    pub currency: Currency,
    /// What there is; negative when borrowed (margin accounts).
    pub total: Money,
    /// What open orders need; zero when none is open.
    pub locked: Money,
    /// Paid in less paid out.
    pub deposits: Money,
    /// Closed profit before fees.
    pub realised: Money,
    /// Fees paid in it.
    pub fees: Money,
    /// Funding received less paid.
    pub funding: Money,
    /// Interest paid.
    pub interest: Money,
    /// Losses beyond the cap, which the venue's insurance paid.
    pub deficit: Money,
    /// Cost of the open positions whose notional was exchanged in it.
    pub open_cost: Money,
    /// Units that positions with this base account for.
    pub units_held: Money,
    /// Margin put aside for isolated positions; part of the total.
    pub isolated: Money,
    /// Interest a day on what is borrowed.
    pub borrow_rate: Ratio,
    /// Interest of less than one unit, carried on.
    pub(super) interest_rest: i128,
    /// Running sums over the positions settled in it.
    pub(super) sums: Sums,
}

impl Balance {
    pub(super) fn new(currency: Currency) -> Self {
        Self { currency, ..Self::default() }
    }

    /// What is neither locked by orders nor put aside for isolated positions.
    #[must_use]
    pub fn free(&self) -> Money {
        let raw = self.total.raw().saturating_sub(self.locked.raw()).saturating_sub(self.isolated.raw());
        Money::from_raw(raw)
    }

    /// What the total must be, from where it came.
    ///
    /// # Errors
    /// Overflow.
    pub fn explained(&self) -> Result<Money, PortfolioError> {
        let terms = [self.realised, self.units_held, self.funding, self.deficit];
        let mut sum = i128::from(self.deposits.raw());
        for term in terms {
            sum += i128::from(term.raw());
        }
        for term in [self.open_cost, self.fees, self.interest] {
            sum -= i128::from(term.raw());
        }
        super::rates::money(sum)
    }
}

/// The part of a balance that a fill moves: worked out on a copy, taken over when nothing can fail any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purse {
    pub(super) currency: Currency,
    pub(super) total: Money,
    pub(super) locked: Money,
    pub(super) realised: Money,
    pub(super) fees: Money,
    pub(super) open_cost: Money,
    pub(super) units_held: Money,
    pub(super) isolated: Money,
}

impl Purse {
    #[inline]
    pub(super) const fn of(balance: &Balance) -> Self {
        let Balance { currency, total, locked, realised, fees, open_cost, units_held, isolated, .. } = *balance;
        Self { currency, total, locked, realised, fees, open_cost, units_held, isolated }
    }

    #[inline]
    pub(super) const fn put_into(&self, balance: &mut Balance) {
        (balance.total, balance.locked) = (self.total, self.locked);
        (balance.realised, balance.fees) = (self.realised, self.fees);
        (balance.open_cost, balance.units_held) = (self.open_cost, self.units_held);
        balance.isolated = self.isolated;
    }

    /// As [`Balance::free`].
    #[inline]
    pub(super) fn free(&self) -> Money {
        Money::from_raw(self.total.raw().saturating_sub(self.locked.raw()).saturating_sub(self.isolated.raw()))
    }

    #[inline]
    pub(super) fn pay_fee(&mut self, fee: Money) -> Result<(), PortfolioError> {
        self.total = self.total.minus(fee)?;
        self.fees = self.fees.plus(fee)?;
        Ok(())
    }

    /// Spot accounts never go below what their orders need.
    pub(super) fn check_free(&self, before: &Balance) -> Result<(), PortfolioError> {
        if self.free() < Money::ZERO && self.free() < before.free() {
            let needed = Money::from_raw(before.total.raw().saturating_sub(self.total.raw()));
            let (currency, free) = (self.currency, before.free());
            return Err(PortfolioError::NotEnoughCash { currency, needed, free });
        }
        Ok(())
    }
}
