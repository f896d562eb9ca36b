//! Conversion rates with their age.
//!
//! A missing or old rate is an error, never a silent 1. A rate serves both directions; there are no detours over a third
//! currency, since which detour is taken would change the figure. Cost: O(log rates).

use super::PortfolioError;
use crate::types::{AmountError, Currency, Money, Price, SCALE, UtcNanos, div_half_even, narrow};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) from: Currency,
    pub(super) to: Currency,
    pub(super) price: Price,
    pub(super) ts_event: UtcNanos,
}

/// Rates between currencies, sorted by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    rows: Vec<Rate>,
}

impl Rates {
    /// One unit of `from` costs `price` units of `to`. A later rate replaces the earlier one and its inverse.
    ///
    /// # Errors
    /// A price of zero or less, or a time before that of the rate it would replace.
    pub fn set(
        &mut self,
        from: Currency,
        to: Currency,
        price: Price,
        ts_event: UtcNanos,
    ) -> Result<(), PortfolioError> {
        if price <= Price::ZERO {
            return Err(PortfolioError::NotPositive { what: "conversion rate", value: price.to_string() });
        }
        if let Some(known) =
            self.find(from, to).or_else(|| self.find(to, from)).filter(|known| known.ts_event > ts_event)
        {
            return Err(PortfolioError::reversed(ts_event, known.ts_event));
        }
        self.rows.retain(|row| (row.from, row.to) != (to, from));
        match self.rows.binary_search_by_key(&(from, to), |row| (row.from, row.to)) {
            Ok(at) => {
                if let Some(row) = self.rows.get_mut(at) {
                    (row.price, row.ts_event) = (price, ts_event);
                }
            }
            Err(at) => self.rows.insert(at, Rate { from, to, price, ts_event }),
        }
        Ok(())
    }

    /// `amount` of `from` in `to`, rounded half to even.
    ///
    /// # Errors
    /// No rate, one older than `max_age` nanoseconds at `now`, or overflow.
    pub fn convert(
        &self,
        amount: Money,
        from: Currency,
        to: Currency,
        now: UtcNanos,
        max_age: i64,
    ) -> Result<Money, PortfolioError> {
        if from == to {
            return Ok(amount);
        }
        self.convert_exact(i128::from(amount.raw()), from, to, now, max_age).and_then(money)
    }

    pub(super) fn convert_exact(
        &self,
        amount: i128,
        from: Currency,
        to: Currency,
        now: UtcNanos,
        max_age: i64,
    ) -> Result<i128, PortfolioError> {
        // Nothing is nothing at any rate: a currency that was once held must not ask for rates for ever.
        if from == to || amount == 0 {
            return Ok(amount);
        }
        let direct = self.find(from, to);
        let rate = direct.or_else(|| self.find(to, from)).ok_or_else(|| missing(from, to))?;
        let age = now.since(rate.ts_event);
        if age > max_age {
            return Err(PortfolioError::StaleRate { from, to, age, max_age });
        }
        let (scale, price) = (i128::from(SCALE), i128::from(rate.price.raw()));
        let (factor, divisor) = if direct.is_some() { (price, scale) } else { (scale, price) };
        let product = amount.checked_mul(factor).ok_or_else(|| AmountError::overflow("amount x rate"))?;
        Ok(div_half_even(product, divisor))
    }

    fn find(&self, from: Currency, to: Currency) -> Option<&Rate> {
        let at = self.rows.binary_search_by_key(&(from, to), |row| (row.from, row.to)).ok()?;
        self.rows.get(at)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Rate> {
        self.rows.iter()
    }
}

#[cold]
const fn missing(from: Currency, to: Currency) -> PortfolioError {
    PortfolioError::MissingRate { from, to }
}

/// As money, if it fits.
#[inline]
pub(super) fn money(amount: i128) -> Result<Money, PortfolioError> {
    Ok(Money::from_raw(narrow(amount, "sum of money")?))
}
