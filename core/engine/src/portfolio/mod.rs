//! Cash, positions and profit of one account.
//!
//! Invariants, kept to the last unit by integer arithmetic:
//! - position = sum of signed fills;
//! - equity = cash + sum of position values = initial cash + realised + unrealised - fees.
//!
//! Cost: O(log symbols) a fill, O(symbols) a valuation.

use std::collections::BTreeMap;

use crate::types::{AmountError, Money, Price, Quantity, Side, SignedQuantity};

/// One holding. A position that is closed keeps its last price and has quantity zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Positive long, negative short.
    pub quantity: SignedQuantity,
    /// What the open quantity cost: positive for a long, negative (received) for a short.
    pub cost: Money,
    /// Price of the last bar or fill.
    pub last_price: Price,
    /// Id of the fill that opened it; empty while flat.
    pub position_id: String,
}

impl Position {
    /// Value at the last price.
    ///
    /// # Errors
    /// Overflow.
    pub fn value(&self) -> Result<Money, AmountError> {
        self.last_price.value(self.quantity)
    }

    /// Value minus cost.
    ///
    /// # Errors
    /// Overflow.
    pub fn unrealised(&self) -> Result<Money, AmountError> {
        self.value()?.minus(self.cost)
    }

    /// Average price of the open quantity, cut to 1e-8; zero while flat. For showing and for protective prices:
    /// profit is computed from `cost`, which is exact.
    #[must_use]
    pub fn average_price(&self) -> Price {
        let quantity = self.quantity.raw();
        if quantity == 0 {
            return Price::ZERO;
        }
        let scaled = i128::from(self.cost.raw()) * i128::from(crate::types::SCALE) / i128::from(quantity);
        Price::from_raw(i64::try_from(scaled).unwrap_or(i64::MAX))
    }
}

/// Totals of an account at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountTotals {
    /// Cash after all fills and fees.
    pub cash: Money,
    /// Sum of position values at the last prices.
    pub position_value: Money,
    /// `cash + position_value`.
    pub equity: Money,
    /// Closed profit before fees.
    pub realised: Money,
    /// Open profit at the last prices.
    pub unrealised: Money,
    /// Fees paid.
    pub fees: Money,
}

/// An account: cash and positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    cash: Money,
    realised: Money,
    fees: Money,
    positions: BTreeMap<String, Position>,
}

impl Portfolio {
    /// An account with cash and nothing else.
    #[must_use]
    pub const fn new(cash: Money) -> Self {
        Self { cash, realised: Money::ZERO, fees: Money::ZERO, positions: BTreeMap::new() }
    }

    /// Cash on hand.
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.cash
    }

    /// The holding of a symbol, if it was ever traded or priced.
    #[must_use]
    pub fn position(&self, symbol: &str) -> Option<&Position> {
        self.positions.get(symbol)
    }

    /// All holdings by symbol.
    pub fn positions(&self) -> impl Iterator<Item = (&str, &Position)> {
        self.positions.iter().map(|(symbol, position)| (symbol.as_str(), position))
    }

    /// Signed quantity of a symbol.
    #[must_use]
    pub fn quantity(&self, symbol: &str) -> SignedQuantity {
        self.positions.get(symbol).map_or(SignedQuantity::ZERO, |position| position.quantity)
    }

    /// Price a symbol without trading it.
    pub fn mark(&mut self, symbol: &str, price: Price) {
        if let Some(position) = self.positions.get_mut(symbol) {
            position.last_price = price;
        } else {
            let position = Position { last_price: price, ..Position::default() };
            self.positions.insert(symbol.to_owned(), position);
        }
    }

    /// Book a fill; returns the profit it realised, before its fee.
    ///
    /// A fill through zero closes the old position and opens the rest on the other side, at the same price.
    ///
    /// # Errors
    /// Overflow; nothing is changed then.
    pub fn book(
        &mut self,
        symbol: &str,
        side: Side,
        quantity: Quantity,
        price: Price,
        fee: Money,
        fill_id: &str,
    ) -> Result<Money, AmountError> {
        let mut position = self.positions.get(symbol).cloned().unwrap_or_default();
        let delta = quantity.signed(side.is_buy());
        let notional = price.value(delta)?;
        let held = position.quantity;
        let opposite = held.raw() != 0 && (held.raw() > 0) != (delta.raw() > 0);
        let mut realised = Money::ZERO;
        if opposite {
            let closing = held.magnitude().at_most(quantity);
            let closing_notional = notional.share(closing, quantity);
            let closing_cost = position.cost.share(closing, held.magnitude());
            realised = closing_notional.negated().minus(closing_cost)?;
            let opening_notional = notional.minus(closing_notional)?;
            position.cost = position.cost.minus(closing_cost)?.plus(opening_notional)?;
        } else {
            position.cost = position.cost.plus(notional)?;
        }
        position.quantity = held.plus(delta)?;
        position.last_price = price;
        let flipped = opposite && position.quantity.raw() != 0 && (position.quantity.raw() > 0) == (delta.raw() > 0);
        if position.quantity.raw() == 0 {
            position.position_id.clear();
        } else if held.raw() == 0 || flipped {
            fill_id.clone_into(&mut position.position_id);
        }
        let cash = self.cash.minus(notional)?.minus(fee)?;
        let (total_realised, fees) = (self.realised.plus(realised)?, self.fees.plus(fee)?);
        self.positions.insert(symbol.to_owned(), position);
        (self.cash, self.realised, self.fees) = (cash, total_realised, fees);
        Ok(realised)
    }

    /// Totals at the last prices.
    ///
    /// # Errors
    /// Overflow.
    pub fn totals(&self) -> Result<AccountTotals, AmountError> {
        let (mut position_value, mut unrealised) = (Money::ZERO, Money::ZERO);
        for position in self.positions.values() {
            position_value = position_value.plus(position.value()?)?;
            unrealised = unrealised.plus(position.unrealised()?)?;
        }
        let equity = self.cash.plus(position_value)?;
        let (cash, realised, fees) = (self.cash, self.realised, self.fees);
        Ok(AccountTotals { cash, position_value, equity, realised, unrealised, fees })
    }

    /// Sum of absolute position values.
    ///
    /// # Errors
    /// Overflow.
    pub fn gross_exposure(&self) -> Result<Money, AmountError> {
        self.positions.values().try_fold(Money::ZERO, |sum, position| sum.plus(position.value()?.magnitude()))
    }
}
