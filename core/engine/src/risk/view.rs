//! The account as maps: for a caller that keeps none up to date. Costs an exposure built from scratch a check.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::RiskError;
use super::clusters::Clusters;
use super::exposure::{Account, Exposure, Leg};
use crate::portfolio::{Portfolio, PortfolioError};
use crate::types::{Money, SignedQuantity, StrategyId, Symbol};

/// What the gate must know of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountView {
    /// Cash plus position values.
    pub equity: Money,
    /// Signed holdings by symbol.
    pub positions: BTreeMap<Symbol, SignedQuantity>,
    /// Signed value of the holdings by symbol, at the last prices.
    pub values: BTreeMap<Symbol, Money>,
    /// Signed notional of working orders that open risk, by symbol.
    pub working: BTreeMap<Symbol, Money>,
}

impl AccountView {
    /// Of a portfolio and the signed notional of its working orders.
    ///
    /// # Errors
    /// Overflow.
    pub fn new(portfolio: &Portfolio, working: BTreeMap<Symbol, Money>) -> Result<Self, PortfolioError> {
        let mut view = Self { equity: portfolio.totals()?.equity, working, ..Self::default() };
        for (symbol, position) in portfolio.positions() {
            if position.quantity.raw() != 0 {
                // A hedged instrument has two legs; the gate limits what they come to.
                let held = view.positions.entry(symbol).or_default();
                *held = held.plus(position.quantity)?;
                let value = view.values.entry(symbol).or_default();
                *value = value.plus(position.value()?)?;
            }
        }
        Ok(view)
    }
}

impl Account for AccountView {
    fn exposure(&self, clusters: &Arc<Clusters>) -> Result<Cow<'_, Exposure>, RiskError> {
        let mut made = Exposure::new(self.equity, Arc::clone(clusters));
        let names: BTreeSet<&Symbol> =
            self.positions.keys().chain(self.values.keys()).chain(self.working.keys()).collect();
        for symbol in names {
            let working = self.working.get(symbol).copied().unwrap_or_default();
            let zero = Money::ZERO;
            let leg = Leg {
                quantity: self.positions.get(symbol).copied().unwrap_or_default(),
                value: self.values.get(symbol).copied().unwrap_or_default(),
                buys: working.max(zero),
                sells: working.min(zero).negated(),
                ..Leg::default()
            };
            let index = made.row_of(symbol);
            made.change(index, StrategyId::EMPTY, crate::types::Price::ZERO, self.equity, |_| Ok(leg))?;
        }
        made.detailed = false;
        Ok(Cow::Owned(made))
    }
}
