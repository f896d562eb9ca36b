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
use std::collections::HashMap;
use std::sync::Arc;

use super::RiskError;
use super::clusters::Clusters;
use crate::orders::{OrderRequest, OrderType};
use crate::types::quick::QuickBuild;
use crate::types::{
    AmountError, ClientOrderId, Instrument, Money, Price, Quantity, Ratio, SCALE, Side, SignedQuantity, StrategyId,
    Symbol,
};

/// A position with the working orders around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    /// Signed holding.
    pub quantity: SignedQuantity,
    /// Its value at the last price.
    pub value: Money,
    /// Value of working buys that may add.
    pub buys: Money,
    /// Value of working sells that may add.
    pub sells: Money,
    /// Quantity of working buys that may add.
    pub buying: SignedQuantity,
    /// Quantity of working sells that may add.
    pub selling: SignedQuantity,
}

impl Leg {
    /// Exposure with sign in the worst case.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub fn signed(&self) -> Result<Money, AmountError> {
        let (up, down) = (self.value.plus(self.buys)?, self.value.minus(self.sells)?);
        Ok(if up.magnitude() >= down.magnitude() { up } else { down })
    }

    #[inline]
    fn with(mut self, side: Side, value: Money, quantity: i64) -> Result<Self, AmountError> {
        let quantity = SignedQuantity::from_raw(quantity);
        match side {
            Side::Buy => (self.buys, self.buying) = (self.buys.plus(value)?, self.buying.plus(quantity)?),
            Side::Sell => (self.sells, self.selling) = (self.sells.plus(value)?, self.selling.plus(quantity)?),
        }
        Ok(self)
    }

    /// Whether an order can only shrink the position: it says so itself (the venue cuts it to size), or the orders
    /// that already work on its side and it together are no more than the position.
    #[must_use]
    pub fn shrinks_by(&self, side: Side, quantity: Quantity, reduce_only: bool) -> bool {
        let (held, working) = match side {
            Side::Buy => (self.quantity.raw().saturating_neg(), self.buying.raw()),
            Side::Sell => (self.quantity.raw(), self.selling.raw()),
        };
        let working = if reduce_only { 0 } else { working };
        held > 0 && quantity.raw().saturating_add(working) <= held
    }
}

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
    cluster: usize,
    strategies: Vec<(StrategyId, Leg)>,
    /// Own resting limit orders.
    resting: Vec<(ClientOrderId, Side, Price)>,
    best_bid: Option<Price>,
    best_ask: Option<Price>,
}

impl Row {
    fn find_best(&mut self) {
        let of = |side| self.resting.iter().filter(move |order| order.1 == side).map(|order| order.2);
        (self.best_bid, self.best_ask) = (of(Side::Buy).max(), of(Side::Sell).min());
    }

    fn strategy(&self, strategy: &StrategyId) -> Option<&Leg> {
        self.strategies.iter().find(|(name, _)| name == strategy).map(|(_, leg)| leg)
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
    unknown: bool,
}

/// Sums over all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Cash plus position values.
    pub equity: Money,
    /// Sum of worst-case exposures, without sign.
    pub gross: Money,
    /// Sum of worst-case exposures, with sign.
    pub net: Money,
    clusters: [i64; Clusters::MOST],
    /// Sum of squared exposures in units of 2^20 * 1e-8.
    squares: u128,
}

impl Totals {
    #[inline]
    fn replace(&mut self, cluster: usize, old: Money, new: Money) -> Result<(), AmountError> {
        let overflow = AmountError::Overflow { what: "exposure" };
        self.gross = self.gross.minus(old.magnitude())?.plus(new.magnitude())?;
        self.net = self.net.minus(old)?.plus(new)?;
        if let Some(net) = self.clusters.get_mut(cluster) {
            let changed = net.checked_sub(old.raw()).and_then(|net| net.checked_add(new.raw()));
            *net = changed.ok_or(overflow)?;
        }
        self.squares = self.squares.wrapping_sub(square(old)).wrapping_add(square(new));
        Ok(())
    }

    /// Sum of squared shares of gross exposure: 1 for one instrument, 1/n for n alike; none without exposure.
    #[must_use]
    pub fn concentration(&self) -> Option<Ratio> {
        let whole = square(self.gross);
        if whole == 0 {
            return None;
        }
        // 36 leading bits of each are more than the eight decimals need, and divide as 64-bit numbers.
        let shift = (u128::BITS - whole.leading_zeros()).saturating_sub(36);
        let (part, whole) = (u64::try_from(self.squares >> shift).ok()?, u64::try_from(whole >> shift).ok()?);
        i64::try_from(part.checked_mul(SCALE.unsigned_abs())? / whole).ok().map(Ratio::from_raw)
    }
}

fn square(money: Money) -> u128 {
    let units = u128::from(money.raw().unsigned_abs() >> 20);
    units * units
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

/// The account once an order is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// Cash plus position values, now.
    pub equity: Money,
    /// Position in the instrument, now.
    pub held: SignedQuantity,
    /// Position in the instrument once everything asked for here is done.
    pub position: SignedQuantity,
    /// Worst-case exposure in the instrument, without sign.
    pub instrument: Money,
    /// Worst-case exposure of the account, without sign.
    pub gross: Money,
    /// Worst-case exposure of the account, netted, without sign.
    pub net: Money,
    /// Correlated exposure of the instrument (see `Clusters`), without sign.
    pub correlated: Money,
    /// The strategy's exposure in the instrument, without sign.
    pub strategy_position: Money,
    /// The strategy's exposure, without sign.
    pub strategy_gross: Money,
    /// Highest own resting bid.
    pub own_bid: Option<Price>,
    /// Lowest own resting offer.
    pub own_ask: Option<Price>,
    /// Orders of the instrument whose state nobody knows.
    pub unknown: u32,
    /// Whether positions by strategy and own resting orders are known at all.
    pub detailed: bool,
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
    strategies: HashMap<StrategyId, Money, QuickBuild>,
    orders: HashMap<ClientOrderId, OpenOrder, QuickBuild>,
    totals: Totals,
    /// False when it was made from a view without strategies and orders.
    pub(super) detailed: bool,
}

impl Exposure {
    /// An account with cash and nothing else.
    #[must_use]
    pub fn new(equity: Money, clusters: Arc<Clusters>) -> Self {
        let totals = Totals { equity, ..Totals::default() };
        Self { clusters, totals, detailed: true, ..Self::default() }
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
        self.strategies.get(strategy).copied().unwrap_or_default()
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
        let Some(row) = self.rows.get(index) else { return Ok(()) };
        if row.price == price {
            return Ok(());
        }
        let leg = Leg { value: price.value(row.leg.quantity)?, ..row.leg };
        let mut totals = self.totals;
        totals.equity = totals.equity.minus(row.leg.value)?.plus(leg.value)?;
        totals.replace(row.cluster, row.leg.signed()?, leg.signed()?)?;
        // Two passes over the few strategies in it: everything that may fail comes first.
        for (strategy, held) in &row.strategies {
            let next = Leg { value: price.value(held.quantity)?, ..*held };
            self.strategy(strategy).minus(held.signed()?.magnitude())?.plus(next.signed()?.magnitude())?;
        }
        let Some(row) = self.rows.get_mut(index) else { return Ok(()) };
        for (strategy, held) in &mut row.strategies {
            let next = Leg { value: price.value(held.quantity)?, ..*held };
            if let Some(sum) = self.strategies.get_mut(&**strategy) {
                *sum = sum.minus(held.signed()?.magnitude())?.plus(next.signed()?.magnitude())?;
            }
            *held = next;
        }
        (row.price, row.leg, self.totals) = (price, leg, totals);
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
        let order = OpenOrder {
            row: index,
            strategy: request.strategy,
            side,
            price,
            remaining: request.quantity,
            value,
            adds,
            unknown: false,
        };
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
    pub fn close(&mut self, client_order_id: &str) -> Result<bool, RiskError> {
        let Some(order) = self.orders.get(client_order_id).copied() else { return Ok(false) };
        self.release(&order, order.value)?;
        self.orders.remove(client_order_id);
        if let Some(row) = self.rows.get_mut(order.row) {
            row.unknown = row.unknown.saturating_sub(u32::from(order.unknown));
            if let Some(at) = row.resting.iter().position(|resting| resting.0 == *client_order_id) {
                row.resting.swap_remove(at);
                row.find_best();
            }
        }
        Ok(true)
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
        let index = self.row_of(&fill.symbol);
        self.mark(&fill.symbol, fill.price)?;
        let delta = fill.quantity.signed(fill.side.is_buy());
        let held = self.rows.get(index).map(|row| row.leg).unwrap_or_default();
        let after = fill.price.value(held.quantity.plus(delta)?)?;
        let paid = fill.price.value(delta)?;
        let equity = self.totals.equity.minus(paid)?.minus(fill.fee)?.plus(after.minus(held.value)?)?;
        let order = self.orders.get(&fill.client_order_id).copied();
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
        if let Some(order) = self.orders.get_mut(&fill.client_order_id) {
            (order.remaining, order.value) = (remaining, left);
        }
        if order.is_some() && remaining == Quantity::ZERO {
            self.close(&fill.client_order_id)?;
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
            strategies: Vec::new(),
            resting: Vec::new(),
            best_bid: None,
            best_ask: None,
        };
        self.rows.push(row);
        self.index.insert(*symbol, self.rows.len() - 1);
        self.rows.len() - 1
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
        let mut totals = self.totals;
        totals.equity = equity;
        totals.replace(row.cluster, row.leg.signed()?, next.signed()?)?;
        let found = row.strategies.iter().position(|(name, _)| *name == strategy);
        let mine = found.and_then(|at| row.strategies.get(at)).map(|(_, leg)| *leg).unwrap_or_default();
        let changed = step(mine)?;
        let sum = self.strategies.get(&strategy).copied().unwrap_or_default();
        let sum = sum.minus(mine.signed()?.magnitude())?.plus(changed.signed()?.magnitude())?;
        match found.and_then(|at| row.strategies.get_mut(at)) {
            Some((_, leg)) => *leg = changed,
            None => row.strategies.push((strategy, changed)),
        }
        self.strategies.insert(strategy, sum);
        (row.price, row.leg, self.totals) = (price, next, totals);
        Ok(())
    }

    /// The account once an order of this signed value is done. O(clusters).
    pub(super) fn after(&self, request: &OrderRequest, row: Option<&Row>, value: Money) -> Result<After, AmountError> {
        let leg = row.map(|row| row.leg).unwrap_or_default();
        // With what already works on the same side: two sales of the whole holding are one too many.
        let (sign, working) = if request.side.is_buy() { (1, leg.buying) } else { (-1, leg.selling) };
        let overflow = AmountError::Overflow { what: "position" };
        let delta = request.quantity.raw().max(0).checked_add(working.raw()).ok_or(overflow)? * sign;
        let delta = SignedQuantity::from_raw(delta);
        let next = leg.with(request.side, value, 0)?;
        let (old, new) = (leg.signed()?, next.signed()?);
        let cluster = row.map_or_else(|| self.clusters.of(&request.symbol), |row| row.cluster);
        let mut nets = self.totals.clusters;
        if let Some(net) = nets.get_mut(cluster) {
            let changed = net.checked_sub(old.raw()).and_then(|net| net.checked_add(new.raw()));
            *net = changed.ok_or(AmountError::Overflow { what: "exposure" })?;
        }
        let correlated = self.clusters.exposure(cluster, new.raw(), &nets, self.clusters.count());
        let correlated = crate::types::scaled_down(correlated.unsigned_abs()).and_then(|raw| i64::try_from(raw).ok());
        let mine = row.and_then(|row| row.strategy(&request.strategy)).copied().unwrap_or_default();
        let (before, position) = (mine.signed()?.magnitude(), mine.with(request.side, value, 0)?.signed()?.magnitude());
        Ok(After {
            equity: self.totals.equity,
            held: leg.quantity,
            position: leg.quantity.plus(delta)?,
            instrument: new.magnitude(),
            gross: self.totals.gross.minus(old.magnitude())?.plus(new.magnitude())?,
            net: self.totals.net.minus(old)?.plus(new)?.magnitude(),
            correlated: Money::from_raw(correlated.ok_or(AmountError::Overflow { what: "correlated exposure" })?),
            strategy_position: position,
            strategy_gross: self
                .strategies
                .get(&request.strategy)
                .copied()
                .unwrap_or_default()
                .minus(before)?
                .plus(position)?,
            own_bid: row.and_then(|row| row.best_bid),
            own_ask: row.and_then(|row| row.best_ask),
            unknown: row.map_or(0, |row| row.unknown),
            detailed: self.detailed,
        })
    }
}
