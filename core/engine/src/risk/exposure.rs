//! The account as the gate sees it, kept up to date by what happens to it.
//!
//! One dense row an instrument, one leg a strategy in it, and totals that change by the difference: a fill, a mark, an
//! opened or closed order costs O(1) (O(own orders of the instrument) when the best own price leaves; O(strategies in
//! it) for a mark), and a check reads without a loop over instruments.
//!
//! Worst case of an instrument: with working buys `b` and sells `s` around a position worth `v`, the larger of
//! `|v + b|` and `|v - s|`. Its signed exposure is the one of the two that is larger. Reduce-only orders add nothing.
//! A fallible step is computed whole before anything is kept; the totals equal a sum over all rows at any time.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::RiskError;
use super::clusters::Clusters;
pub use super::leg::Leg;
use super::open_orders::OpenOrders;
use super::totals::Totals;
use crate::orders::{OrderRequest, PositionSide};
use crate::types::quick::QuickBuild;
use crate::types::{
    AmountError, ClientOrderId, Instrument, Money, Price, Quantity, SCALE, Side, SignedQuantity, StrategyId, Symbol,
    units,
};

/// One instrument.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name and steps; a lot of one unit when it was never listed.
    pub instrument: Instrument,
    /// Last price.
    pub price: Price,
    /// The whole position.
    pub leg: Leg,
    /// Orders here whose state nobody knows.
    pub unknown: u32,
    pub(super) cluster: usize,
    pub(super) shares: Vec<Share>,
    /// Own resting limit orders.
    pub(super) resting: Vec<(ClientOrderId, Side, Price)>,
    /// Of a hedging account, what the long and the short leg hold, as they were last told; without sign.
    pub(super) legs: [Quantity; 2],
    pub(super) best_bid: Option<Price>,
    pub(super) best_ask: Option<Price>,
}

/// A strategy's part of an instrument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) strategy: StrategyId,
    /// Where the strategy's sum stands.
    pub(super) slot: usize,
    pub(super) leg: Leg,
}

impl Row {
    pub(super) fn find_best(&mut self) {
        let of = |side| self.resting.iter().filter(move |order| order.1 == side).map(|order| order.2);
        (self.best_bid, self.best_ask) = (of(Side::Buy).max(), of(Side::Sell).min());
    }

    /// Whether an order can only shrink what is held: the net position, or of a hedging account the leg it names.
    #[inline]
    #[must_use]
    pub fn shrinks(&self, request: &OrderRequest) -> bool {
        let [long, short] = self.legs;
        let (held, closes) = match request.position_side {
            PositionSide::Net => {
                return self.leg.shrinks_by(request.side, request.quantity, request.reduce_only);
            }
            PositionSide::Long => (long, Side::Sell),
            PositionSide::Short => (short, Side::Buy),
        };
        // The venue cuts what closes a leg to the leg's size, whatever else works.
        request.side == closes && held > Quantity::ZERO && request.quantity <= held
    }

    #[inline]
    pub(super) fn share(&self, strategy: &StrategyId) -> Option<&Share> {
        self.shares.iter().find(|share| share.strategy == *strategy)
    }
}

/// One execution, as the account sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// Whose order it was.
    pub strategy: StrategyId,
    /// Instrument.
    pub symbol: Symbol,
    /// Direction.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// At which price.
    pub price: Price,
    /// What it cost.
    pub fee: Money,
}

/// What the gate can rule against: an [`Exposure`], or something it can be made from.
pub trait Account {
    /// The exposure of the account.
    ///
    /// # Errors
    /// Overflow.
    fn exposure(&self, clusters: &Arc<Clusters>) -> Result<Cow<'_, Exposure>, RiskError>;
}

impl Account for Exposure {
    fn exposure(&self, _clusters: &Arc<Clusters>) -> Result<Cow<'_, Exposure>, RiskError> {
        Ok(Cow::Borrowed(self))
    }
}

/// The account, kept up to date. See the module's head.
#[derive(Clone, Debug, Default)]
pub struct Exposure {
    pub(super) clusters: Arc<Clusters>,
    pub(super) rows: Vec<Row>,
    index: HashMap<Symbol, usize, QuickBuild>,
    /// The row that was last asked for: the next question is mostly about the same.
    recent: usize,
    /// Where each strategy's sum stands in `sums`.
    strategies: HashMap<StrategyId, usize, QuickBuild>,
    /// Exposure of each strategy, without sign.
    sums: Vec<Money>,
    pub(super) orders: OpenOrders,
    pub(super) totals: Totals,
    /// False when it was made from a view without strategies and orders.
    pub(super) detailed: bool,
}

impl Exposure {
    /// An account with cash and nothing else.
    #[must_use]
    pub fn new(equity: Money, clusters: Arc<Clusters>) -> Self {
        let mut made = Self { clusters, detailed: true, ..Self::default() };
        made.totals.equity = equity;
        made
    }

    /// Sums over all rows.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// All instruments, in the order they were first mentioned.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// One instrument.
    #[must_use]
    pub fn row(&self, symbol: &str) -> Option<&Row> {
        self.index.get(symbol).and_then(|index| self.rows.get(*index))
    }

    #[inline]
    pub(super) fn row_by(&self, symbol: &Symbol) -> Option<&Row> {
        match self.rows.get(self.recent) {
            Some(row) if row.instrument.symbol == *symbol => Some(row),
            _ => self.index.get(symbol).and_then(|index| self.rows.get(*index)),
        }
    }

    /// Exposure of one strategy, without sign.
    #[must_use]
    pub fn strategy(&self, strategy: &str) -> Money {
        self.strategies.get(strategy).map_or(Money::ZERO, |slot| self.sum_at(*slot))
    }

    pub(super) fn strategy_sum(&self, strategy: &StrategyId) -> Money {
        self.strategies.get(strategy).map_or(Money::ZERO, |slot| self.sum_at(*slot))
    }

    #[inline]
    pub(super) fn sum_at(&self, slot: usize) -> Money {
        self.sums.get(slot).copied().unwrap_or_default()
    }

    pub(super) fn strategy_names(&self) -> impl Iterator<Item = &StrategyId> {
        self.strategies.keys()
    }

    /// How many orders work.
    #[must_use]
    pub fn open_orders(&self) -> usize {
        self.orders.len()
    }

    /// Make an instrument known, with its steps.
    pub fn list(&mut self, instrument: Instrument) {
        let index = self.row_of(&instrument.symbol);
        if let Some(row) = self.rows.get_mut(index) {
            row.instrument = instrument;
        }
    }

    /// What the accounts say: funding, interest, deposits, and any difference found by a reconciliation.
    pub fn set_equity(&mut self, equity: Money) {
        self.totals.equity = equity;
    }

    /// After a restart: a position as it stands, whose value is in the equity already.
    ///
    /// # Errors
    /// Overflow; nothing is changed then.
    pub fn restore(
        &mut self,
        strategy: StrategyId,
        symbol: &Symbol,
        quantity: SignedQuantity,
        price: Price,
    ) -> Result<(), RiskError> {
        let index = self.row_of(symbol);
        let value = self.worth(index, price, quantity)?;
        self.change(index, strategy, price, self.totals.equity, |leg| {
            Ok(Leg { quantity: leg.quantity.plus(quantity)?, value: leg.value.plus(value)?, ..leg })
        })
    }

    /// Of a hedging account, what its legs of an instrument hold before an order on one of them is ruled on: long, then
    /// short, without sign.
    pub fn set_legs(&mut self, symbol: &Symbol, legs: [Quantity; 2]) {
        let index = self.row_of(symbol);
        if let Some(row) = self.rows.get_mut(index) {
            row.legs = legs;
        }
    }

    /// What a fill of an instrument cost or brought in; zero where it was never mentioned or does not fit.
    pub(crate) fn cost(&self, symbol: &Symbol, price: Price, quantity: Quantity) -> Money {
        let row = self.row_by(symbol);
        row.and_then(|row| row.instrument.notional(price, quantity).ok()).unwrap_or_default()
    }

    /// Value of a quantity of an instrument: price times quantity times its multiplier.
    #[inline]
    pub(super) fn worth(&self, row: usize, price: Price, quantity: SignedQuantity) -> Result<Money, AmountError> {
        let multiplier = self.rows.get(row).map_or(Quantity::from_raw(SCALE), |row| row.instrument.multiplier);
        price.value(units(quantity, multiplier)?)
    }

    /// A new price; equity follows.
    ///
    /// # Errors
    /// Overflow; nothing is changed then.
    pub fn mark(&mut self, symbol: &Symbol, price: Price) -> Result<(), RiskError> {
        let index = self.row_of(symbol);
        self.mark_row(index, price)
    }

    pub(super) fn mark_row(&mut self, index: usize, price: Price) -> Result<(), RiskError> {
        let Some(row) = self.rows.get_mut(index) else { return Ok(()) };
        if row.price == price {
            return Ok(());
        }
        let multiplier = row.instrument.multiplier;
        let worth = |quantity| price.value(units(quantity, multiplier)?);
        let value = worth(row.leg.quantity)?;
        let next = Leg { value, ..row.leg };
        let equity = self.totals.equity.minus(row.leg.value)?.plus(value)?;
        let (old, new) = (row.leg.signed()?, next.signed()?);
        let moved = self.totals.moved(row.cluster, old, new)?;
        let marked = |share: &Share, sums: &[Money]| -> Result<(Money, Money), AmountError> {
            let next = Leg { value: worth(share.leg.quantity)?, ..share.leg };
            let sum = sums.get(share.slot).copied().unwrap_or_default();
            let sum = sum.minus(share.leg.signed()?.magnitude())?.plus(next.signed()?.magnitude())?;
            Ok((next.value, sum))
        };
        // Two passes over several strategies in it: everything that may fail comes first.
        if row.shares.len() > 1 {
            for share in &row.shares {
                marked(share, &self.sums)?;
            }
        }
        for share in &mut row.shares {
            let (value, sum) = marked(share, &self.sums)?;
            share.leg.value = value;
            if let Some(place) = self.sums.get_mut(share.slot) {
                *place = sum;
            }
        }
        self.totals.keep(row.cluster, old, new, &moved);
        (row.price, row.leg, self.totals.equity) = (price, next, equity);
        Ok(())
    }

    #[inline]
    pub(super) fn row_of(&mut self, symbol: &Symbol) -> usize {
        if self.rows.get(self.recent).is_none_or(|row| row.instrument.symbol != *symbol) {
            self.recent = self.index.get(symbol).copied().unwrap_or_else(|| self.new_row(symbol));
        }
        self.recent
    }

    #[cold]
    fn new_row(&mut self, symbol: &Symbol) -> usize {
        let row = Row {
            instrument: Instrument::finest(*symbol),
            price: Price::ZERO,
            leg: Leg::default(),
            unknown: 0,
            cluster: self.clusters.of(symbol),
            shares: Vec::new(),
            resting: Vec::new(),
            legs: [Quantity::ZERO; 2],
            best_bid: None,
            best_ask: None,
        };
        self.rows.push(row);
        self.index.insert(*symbol, self.rows.len() - 1);
        self.rows.len() - 1
    }

    /// A row as a view has it: the whole, and which strategy stands behind what of it.
    pub(super) fn put(&mut self, index: usize, leg: Leg, parts: &BTreeMap<StrategyId, Leg>) -> Result<(), RiskError> {
        for (strategy, part) in parts {
            self.change(index, *strategy, Price::ZERO, self.totals.equity, |_| Ok(*part))?;
        }
        let Some(row) = self.rows.get_mut(index) else { return Ok(()) };
        let (old, new) = (row.leg.signed()?, leg.signed()?);
        let moved = self.totals.moved(row.cluster, old, new)?;
        self.totals.keep(row.cluster, old, new, &moved);
        row.leg = leg;
        Ok(())
    }

    /// Own resting prices as a view has them.
    pub(super) fn rest(&mut self, index: usize, bid: Option<Price>, ask: Option<Price>) {
        if let Some(row) = self.rows.get_mut(index) {
            (row.best_bid, row.best_ask) = (bid, ask);
        }
    }

    /// Change the whole position and one strategy's part of it in the same way. All or nothing.
    pub(super) fn change(
        &mut self,
        index: usize,
        strategy: StrategyId,
        price: Price,
        equity: Money,
        step: impl Fn(Leg) -> Result<Leg, AmountError>,
    ) -> Result<(), RiskError> {
        let Some(row) = self.rows.get_mut(index) else { return Ok(()) };
        let next = step(row.leg)?;
        let (old, new) = (row.leg.signed()?, next.signed()?);
        let moved = self.totals.moved(row.cluster, old, new)?;
        match row.shares.iter_mut().find(|share| share.strategy == strategy) {
            Some(share) => {
                let sum = self.sums.get(share.slot).copied().unwrap_or_default();
                // A strategy that is alone in the instrument takes the step that the whole took.
                let (leg, sum) = if share.leg == row.leg {
                    (next, sum.minus(old.magnitude())?.plus(new.magnitude())?)
                } else {
                    shifted(share.leg, sum, &step)?
                };
                share.leg = leg;
                if let Some(place) = self.sums.get_mut(share.slot) {
                    *place = sum;
                }
            }
            None => {
                let known = self.strategies.get(&strategy).copied();
                let before = known.and_then(|slot| self.sums.get(slot)).copied().unwrap_or_default();
                let (leg, sum) = shifted(Leg::default(), before, &step)?;
                let slot = known.unwrap_or(self.sums.len());
                match self.sums.get_mut(slot) {
                    Some(place) => *place = sum,
                    None => self.sums.push(sum),
                }
                self.strategies.insert(strategy, slot);
                row.shares.push(Share { strategy, slot, leg });
            }
        }
        self.totals.keep(row.cluster, old, new, &moved);
        (row.price, row.leg, self.totals.equity) = (price, next, equity);
        Ok(())
    }
}

/// A strategy's leg and sum after a step.
#[inline]
fn shifted(leg: Leg, sum: Money, step: impl Fn(Leg) -> Result<Leg, AmountError>) -> Result<(Leg, Money), AmountError> {
    let next = step(leg)?;
    let sum = sum.minus(leg.signed()?.magnitude())?.plus(next.signed()?.magnitude())?;
    Ok((next, sum))
}
