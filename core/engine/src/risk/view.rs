//! The account as maps: for a caller that keeps none up to date. Costs an exposure built from scratch a check.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::RiskError;
use super::clusters::Clusters;
use super::exposure::{Account, Exposure, Leg};
use crate::orders::{OrderRequest, OrderType};
use crate::portfolio::{Portfolio, PortfolioError};
use crate::types::{AmountError, Money, Price, Quantity, Side, SignedQuantity, StrategyId, Symbol};

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
    /// Which strategy stands behind what; without it the rules of strategies and of self-trades are not measured.
    pub strategies: Option<Strategies>,
}

/// Which strategy stands behind what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strategies {
    /// The strategy that each position belongs to.
    pub owner: BTreeMap<Symbol, StrategyId>,
    /// Value of working buys and of working sells that may add, by symbol and strategy.
    pub working: BTreeMap<(Symbol, StrategyId), (Money, Money)>,
    /// Quantity of working buys and of working sells that may add, by symbol.
    pub quantities: BTreeMap<Symbol, (SignedQuantity, SignedQuantity)>,
    /// Highest own resting bid and lowest own resting offer, by symbol.
    pub resting: BTreeMap<Symbol, (Option<Price>, Option<Price>)>,
}

impl Strategies {
    /// One more working order, with so much left of it, of this signed value.
    ///
    /// # Errors
    /// Overflow.
    pub fn work(&mut self, request: &OrderRequest, left: Quantity, value: Money) -> Result<(), AmountError> {
        let (buying, selling) = self.quantities.entry(request.symbol).or_default();
        let quantity = if request.side.is_buy() { buying } else { selling };
        *quantity = quantity.plus(left.signed(true))?;
        let (buys, sells) = self.working.entry((request.symbol, request.strategy)).or_default();
        let side = if request.side.is_buy() { buys } else { sells };
        *side = side.plus(value.magnitude())?;
        if let OrderType::Limit(limit) = request.order_type {
            let (bid, ask) = self.resting.entry(request.symbol).or_default();
            match request.side {
                Side::Buy => *bid = Some(bid.map_or(limit, |best| best.max(limit))),
                Side::Sell => *ask = Some(ask.map_or(limit, |best| best.min(limit))),
            }
        }
        Ok(())
    }

    /// The part of one instrument that each strategy stands behind.
    fn legs(&self, symbol: &Symbol, whole: &Leg) -> BTreeMap<StrategyId, Leg> {
        let mut legs = BTreeMap::new();
        if whole.quantity.raw() != 0 {
            let owner = self.owner.get(symbol).copied().unwrap_or_default();
            legs.insert(owner, Leg { quantity: whole.quantity, value: whole.value, ..Leg::default() });
        }
        let from = (*symbol, StrategyId::EMPTY);
        for ((_, strategy), (buys, sells)) in self.working.range(from..).take_while(|((of, _), _)| of == symbol) {
            let leg: &mut Leg = legs.entry(*strategy).or_default();
            (leg.buys, leg.sells) = (*buys, *sells);
        }
        legs
    }
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
            let known = self.strategies.as_ref().and_then(|known| known.quantities.get(symbol));
            let (buying, selling) = known.copied().unwrap_or_default();
            let leg = Leg {
                quantity: self.positions.get(symbol).copied().unwrap_or_default(),
                value: self.values.get(symbol).copied().unwrap_or_default(),
                buys: working.max(zero),
                sells: working.min(zero).negated(),
                buying,
                selling,
            };
            let index = made.row_of(symbol);
            match &self.strategies {
                Some(strategies) => made.put(index, leg, &strategies.legs(symbol, &leg))?,
                None => made.put(index, leg, &BTreeMap::from([(StrategyId::EMPTY, leg)]))?,
            }
            if let Some((bid, ask)) = self.strategies.as_ref().and_then(|known| known.resting.get(symbol)) {
                made.rest(index, *bid, *ask);
            }
        }
        made.detailed = self.strategies.is_some();
        Ok(Cow::Owned(made))
    }
}
