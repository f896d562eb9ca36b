//! Interest on what a margin account borrows: cash below zero, base units below zero, shares sold short.
//!
//! `borrowed x rate a day x time / one day`, in integers; what is less than a unit is carried on, so that nothing is lost
//! however often it is accrued. Interest is charged when it is accrued and then bears interest itself.

use super::{Balance, InstrumentIndex, Portfolio, PortfolioError};
use crate::types::{AmountError, Currency, Money, Ratio, SCALE, UtcNanos};

/// Whole units of interest and the rest that is carried on.
fn accrued(borrowed: i128, rate: Ratio, elapsed: i64, rest: i128) -> Result<(Money, i128), PortfolioError> {
    let whole = i128::from(SCALE) * i128::from(UtcNanos::DAY);
    let product = borrowed
        .checked_mul(i128::from(rate.raw()))
        .and_then(|product| product.checked_mul(i128::from(elapsed)))
        .and_then(|product| product.checked_add(rest))
        .ok_or(AmountError::Overflow { what: "borrowed x rate x time" })?;
    Ok((super::rates::money(product / whole)?, product % whole))
}

fn charge(balance: &mut Balance, interest: Money) -> Result<(), PortfolioError> {
    balance.total = balance.total.minus(interest)?;
    balance.interest = balance.interest.plus(interest)?;
    Ok(())
}

impl Portfolio {
    /// Interest a day on borrowed units of a currency.
    ///
    /// # Errors
    /// A negative rate.
    pub fn set_borrow_rate(&mut self, currency: Currency, rate_per_day: Ratio) -> Result<(), PortfolioError> {
        check_rate(rate_per_day)?;
        let slot = self.balance_slot(currency);
        if let Some(balance) = self.balances.get_mut(slot) {
            balance.borrow_rate = rate_per_day;
        }
        Ok(())
    }

    /// Interest a day on the value of a short position in shares (spot with a base borrows the base instead).
    ///
    /// # Errors
    /// A negative rate, or an index of another account.
    pub fn set_short_rate(&mut self, instrument: InstrumentIndex, rate_per_day: Ratio) -> Result<(), PortfolioError> {
        check_rate(rate_per_day)?;
        let holding = self.holdings.get_mut(instrument.slot()).ok_or(PortfolioError::UnknownIndex(instrument.0))?;
        holding.borrow_rate = rate_per_day;
        Ok(())
    }

    /// Charge the interest since the last call (the first call starts the clock); returns nothing, the balances say what
    /// was charged. Call it before the cash or the positions change, or the change counts for the whole span.
    ///
    /// # Errors
    /// A time before the account's last, or overflow; nothing is changed then.
    pub fn accrue_interest(&mut self, now: UtcNanos) -> Result<(), PortfolioError> {
        if now < self.now {
            return Err(PortfolioError::reversed(now, self.now));
        }
        let elapsed = now.since(self.interest_since.unwrap_or(now));
        let mut balances = self.balances.clone();
        for balance in &mut balances {
            let borrowed = i128::from(balance.total.raw()).min(0).abs();
            let (interest, rest) = accrued(borrowed, balance.borrow_rate, elapsed, balance.interest_rest)?;
            charge(balance, interest)?;
            balance.interest_rest = rest;
        }
        let mut rests = Vec::with_capacity(self.holdings.len());
        for holding in &self.holdings {
            let sold_short = holding.terms.exchanges && holding.terms.base.is_none();
            let short = [&holding.long, &holding.short].into_iter().filter(|leg| leg.position.quantity.raw() < 0);
            let value: i128 = short.map(|leg| leg.position.exact_value().abs()).sum();
            let borrowed = if sold_short { value } else { 0 };
            let (interest, rest) = accrued(borrowed, holding.borrow_rate, elapsed, holding.interest_rest)?;
            if let Some(balance) = balances.get_mut(holding.terms.settle) {
                charge(balance, interest)?;
            }
            rests.push(rest);
        }
        self.balances = balances;
        for (holding, rest) in self.holdings.iter_mut().zip(rests) {
            holding.interest_rest = rest;
        }
        (self.interest_since, self.now) = (Some(now), now);
        Ok(())
    }
}

fn check_rate(rate: Ratio) -> Result<(), PortfolioError> {
    if rate < Ratio::ZERO {
        return Err(PortfolioError::NotPositive { what: "interest rate (or zero)", value: rate.to_string() });
    }
    Ok(())
}
