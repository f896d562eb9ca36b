//! Totals and equity, from running sums: O(currencies), not O(positions).

use super::rates::money;
use super::{AccountTotals, Balance, Portfolio, PortfolioError};
use crate::types::{Currency, Money, UtcNanos};

impl Portfolio {
    /// Totals in the account's currency at the last prices and at the account's last time.
    ///
    /// # Errors
    /// A missing or old conversion rate, or overflow.
    pub fn totals(&self) -> Result<AccountTotals, PortfolioError> {
        self.totals_in(self.terms.currency, self.now)
    }

    /// Totals in any currency at `now`; every figure is converted at the present rates.
    ///
    /// # Errors
    /// A missing or old conversion rate, or overflow.
    pub fn totals_in(&self, currency: Currency, now: UtcNanos) -> Result<AccountTotals, PortfolioError> {
        let of = |figure: fn(&Balance) -> i128| money(self.sum_in(currency, now, figure)?);
        let cash = of(cash_of)?;
        let position_value = of(|balance| balance.sums.worth)?;
        Ok(AccountTotals {
            cash,
            position_value,
            equity: cash.plus(position_value)?,
            realised: of(|balance| i128::from(balance.realised.raw()))?,
            unrealised: of(|balance| balance.sums.unrealised)?,
            fees: of(|balance| i128::from(balance.fees.raw()))?,
            deposits: of(|balance| i128::from(balance.deposits.raw()))?,
            funding: of(|balance| i128::from(balance.funding.raw()))?,
            interest: of(|balance| i128::from(balance.interest.raw()))?,
            deficit: of(|balance| i128::from(balance.deficit.raw()))?,
        })
    }

    /// Equity in any currency at `now`.
    ///
    /// # Errors
    /// A missing or old conversion rate, or overflow.
    pub fn equity_in(&self, currency: Currency, now: UtcNanos) -> Result<Money, PortfolioError> {
        let cash = money(self.sum_in(currency, now, cash_of)?)?;
        Ok(cash.plus(money(self.sum_in(currency, now, |balance| balance.sums.worth)?)?)?)
    }

    /// Sum of absolute position values in the account's currency.
    ///
    /// # Errors
    /// A missing or old conversion rate, or overflow.
    pub fn gross_exposure(&self) -> Result<Money, PortfolioError> {
        money(self.sum_in(self.terms.currency, self.now, |balance| balance.sums.gross)?)
    }

    /// Sum of a figure over all currencies; each currency is converted and rounded on its own.
    pub(super) fn sum_in(
        &self,
        currency: Currency,
        now: UtcNanos,
        figure: impl Fn(&Balance) -> i128,
    ) -> Result<i128, PortfolioError> {
        self.sums_in(currency, now, |balance| [figure(balance)]).map(|[sum]| sum)
    }

    /// Sums of some figures over all currencies; each figure of each currency is converted and rounded on its own.
    #[inline]
    pub(super) fn sums_in<const N: usize>(
        &self,
        currency: Currency,
        now: UtcNanos,
        figures: impl Fn(&Balance) -> [i128; N],
    ) -> Result<[i128; N], PortfolioError> {
        let mut sums = [0_i128; N];
        for balance in &self.balances {
            let own = balance.currency == currency;
            for (sum, amount) in sums.iter_mut().zip(figures(balance)) {
                let amount = if own {
                    amount
                } else {
                    self.rates.convert_exact(amount, balance.currency, currency, now, self.terms.max_rate_age)?
                };
                *sum = sum.saturating_add(amount);
            }
        }
        Ok(sums)
    }
}

/// What the account is worth in a currency.
#[inline]
pub(super) fn equity_of(balance: &Balance) -> i128 {
    cash_of(balance).saturating_add(balance.sums.worth)
}

/// Cash without the units that positions account for: those are valued with their positions.
pub(super) fn cash_of(balance: &Balance) -> i128 {
    i128::from(balance.total.raw()) - i128::from(balance.units_held.raw())
}
