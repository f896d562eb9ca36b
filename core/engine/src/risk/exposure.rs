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
use super::totals::Totals;
use crate::orders::{OrderRequest, OrderType};
use crate::types::quick::QuickBuild;
use crate::types::{
    AmountError, ClientOrderId, Instrument, Money, Price, Quantity, Side, SignedQuantity, StrategyId, Symbol,
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
    shares: Vec<Share>,
    /// Own resting limit orders.
    resting: Vec<(ClientOrderId, Side, Price)>,
    pub(super) best_bid: Option<Price>,
    pub(super) best_ask: Option<Price>,
}

/// A strategy's part of an instrument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    strategy: StrategyId,
    /// Where the strategy's sum stands.
    pub(super) slot: usize,
    pub(super) leg: Leg,
}

impl Row {
    fn find_best(&mut self) {
        let of = |side| self.resting.iter().filter(move |order| order.1 == side).map(|order| order.2);
        (self.best_bid, self.best_ask) = (of(Side::Buy).max(), of(Side::Sell).min());
    }

    #[inline]
    pub(super) fn share(&self, strategy: &StrategyId) -> Option<&Share> {
        self.shares.iter().find(|share| share.strategy == *strategy)
    }
}

#[derive(Clone, Copy, Debug)]
struct OpenOrder {
    row: usize,
    strategy: StrategyId,
    side: Side,
    price: Price,
    remaining: Quantity,
    value: Money,
    adds: bool,
    /// Whether it is among the resting limit orders of its row.
    rests: bool,
    unknown: bool,
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
    /// Where each strategy's sum stands in `sums`.
    strategies: HashMap<StrategyId, usize, QuickBuild>,
    /// Exposure of each strategy, without sign.
    sums: Vec<Money>,
    orders: HashMap<ClientOrderId, OpenOrder, QuickBuild>,
    totals: Totals,
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
        self.index.get(symbol).and_then(|index| self.rows.get(*index))
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
        let value = price.value(quantity)?;
        self.change(index, strategy, price, self.totals.equity, |leg| {
            Ok(Leg { quantity: leg.quantity.plus(quantity)?, value: leg.value.plus(value)?, ..leg })
        })
    }

    /// A new price; equity follows.
    ///
    /// # Errors
    /// Overflow; nothing is changed then.
    pub fn mark(&mut self, symbol: &Symbol, price: Price) -> Result<(), RiskError> {
        let index = self.row_of(symbol);
        self.mark_row(index, price)
    }

    fn mark_row(&mut self, index: usize, price: Price) -> Result<(), RiskError> {
        let Some(row) = self.rows.get_mut(index) else { return Ok(()) };
        if row.price == price {
            return Ok(());
        }
        let value = price.value(row.leg.quantity)?;
        let next = Leg { value, ..row.leg };
        let equity = self.totals.equity.minus(row.leg.value)?.plus(value)?;
        let (old, new) = (row.leg.signed()?, next.signed()?);
        let moved = self.totals.moved(row.cluster, old, new)?;
        let marked = |share: &Share, sums: &[Money]| -> Result<(Money, Money), AmountError> {
            let next = Leg { value: price.value(share.leg.quantity)?, ..share.leg };
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

    /// An approved order works from now on. An id that is known changes nothing.
    ///
    /// # Errors
    /// Overflow; nothing is changed then.
    pub fn open(&mut self, request: &OrderRequest) -> Result<(), RiskError> {
        if self.orders.contains_key(&request.client_order_id) {
            return Ok(());
        }
        let index = self.row_of(&request.symbol);
        let last = self.rows.get(index).map(|row| row.price).filter(|price| *price > Price::ZERO);
        let price = request.order_type.price().or(last).unwrap_or(request.reference_price);
        let value = price.notional(request.quantity)?;
        let (side, adds, quantity) = (request.side, !request.reduce_only, request.quantity.raw());
        if adds {
            let price = last.unwrap_or_default();
            self.change(index, request.strategy, price, self.totals.equity, |leg| leg.with(side, value, quantity))?;
        }
        let rests = matches!(request.order_type, OrderType::Limit(_));
        let (strategy, remaining) = (request.strategy, request.quantity);
        let order = OpenOrder { row: index, strategy, side, price, remaining, value, adds, rests, unknown: false };
        self.orders.insert(request.client_order_id, order);
        if let (OrderType::Limit(limit), Some(row)) = (request.order_type, self.rows.get_mut(index)) {
            row.resting.push((request.client_order_id, side, limit));
            match side {
                Side::Buy => row.best_bid = Some(row.best_bid.map_or(limit, |best| best.max(limit))),
                Side::Sell => row.best_ask = Some(row.best_ask.map_or(limit, |best| best.min(limit))),
            }
        }
        Ok(())
    }

    /// An order is over (filled, cancelled, expired, rejected). Returns whether it worked.
    ///
    /// # Errors
    /// Overflow; nothing is changed then.
    pub fn close(&mut self, client_order_id: &ClientOrderId) -> Result<bool, RiskError> {
        let Some(order) = self.orders.get(client_order_id).copied() else { return Ok(false) };
        self.release(&order, order.value)?;
        self.forget(client_order_id);
        Ok(true)
    }

    /// An order that holds nothing back any more leaves.
    fn forget(&mut self, client_order_id: &ClientOrderId) {
        let Some(order) = self.orders.remove(client_order_id) else { return };
        let Some(row) = self.rows.get_mut(order.row) else { return };
        row.unknown = row.unknown.saturating_sub(u32::from(order.unknown));
        if order.rests
            && let Some(at) = row.resting.iter().position(|resting| resting.0 == *client_order_id)
        {
            row.resting.swap_remove(at);
            row.find_best();
        }
    }

    /// Nobody knows the order's state (or somebody does again): it blocks adding to its instrument.
    ///
    /// # Errors
    /// No such order.
    pub fn set_unknown(&mut self, client_order_id: &str, unknown: bool) -> Result<(), RiskError> {
        let order = self
            .orders
            .get_mut(client_order_id)
            .ok_or_else(|| RiskError::Order { client_order_id: client_order_id.to_owned(), problem: "not working" })?;
        if order.unknown != unknown {
            order.unknown = unknown;
            if let Some(row) = self.rows.get_mut(order.row) {
                row.unknown = if unknown { row.unknown + 1 } else { row.unknown.saturating_sub(1) };
            }
        }
        Ok(())
    }

    /// An execution: position, price, equity and what is left of the order. The order is over when nothing is left.
    ///
    /// # Errors
    /// Overflow; nothing but the price is changed then.
    pub fn fill(&mut self, fill: &Execution) -> Result<(), RiskError> {
        let order = self.orders.get(&fill.client_order_id).copied();
        let known = order.and_then(|order| Some((order.row, self.rows.get(order.row)?.instrument.symbol)));
        let index = match known {
            Some((index, symbol)) if symbol == fill.symbol => index,
            _ => self.row_of(&fill.symbol),
        };
        self.mark_row(index, fill.price)?;
        let delta = fill.quantity.signed(fill.side.is_buy());
        let (held, worth) = self.rows.get(index).map(|row| (row.leg.quantity, row.leg.value)).unwrap_or_default();
        let after = fill.price.value(held.plus(delta)?)?;
        let paid = fill.price.value(delta)?;
        let equity = self.totals.equity.minus(paid)?.minus(fill.fee)?.plus(after.minus(worth)?)?;
        let remaining = order.map_or(0, |order| (order.remaining.raw() - fill.quantity.raw()).max(0));
        let remaining = Quantity::from_raw(remaining);
        let left = order.map_or(Ok(Money::ZERO), |order| order.price.notional(remaining))?;
        let release = order.filter(|order| order.adds).map_or(Ok(Money::ZERO), |order| order.value.minus(left))?;
        let done = order.filter(|order| order.adds).map_or(0, |order| order.remaining.raw() - remaining.raw());
        let strategy = order.map_or(fill.strategy, |order| order.strategy);
        let price = fill.price;
        self.change(index, strategy, price, equity, |leg| {
            let quantity = leg.quantity.plus(delta)?;
            let next = Leg { quantity, value: price.value(quantity)?, ..leg };
            next.with(fill.side, release.negated(), -done)
        })?;
        if order.is_some() && remaining == Quantity::ZERO {
            // With nothing left it holds nothing back: what it held was released above.
            self.forget(&fill.client_order_id);
        } else if let Some(order) = self.orders.get_mut(&fill.client_order_id) {
            (order.remaining, order.value) = (remaining, left);
        }
        Ok(())
    }

    fn release(&mut self, order: &OpenOrder, value: Money) -> Result<(), RiskError> {
        if !order.adds {
            return Ok(());
        }
        let price = self.rows.get(order.row).map(|row| row.price).unwrap_or_default();
        let remaining = order.remaining.raw();
        self.change(order.row, order.strategy, price, self.totals.equity, |leg| {
            leg.with(order.side, value.negated(), -remaining)
        })
    }

    pub(super) fn row_of(&mut self, symbol: &Symbol) -> usize {
        if let Some(index) = self.index.get(symbol) {
            return *index;
        }
        let row = Row {
            instrument: Instrument::finest(*symbol),
            price: Price::ZERO,
            leg: Leg::default(),
            unknown: 0,
            cluster: self.clusters.of(symbol),
            shares: Vec::new(),
            resting: Vec::new(),
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
                let (leg, sum) = shifted(share.leg, self.sums.get(share.slot).copied().unwrap_or_default(), &step)?;
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
