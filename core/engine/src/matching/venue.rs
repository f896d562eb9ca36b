//! The venue's state and its steps.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::orders::{IllegalTransition, OrderEventKind, OrderRequest, OrderState, OrderType, transition};
use crate::portfolio::{Portfolio, PortfolioError};
use crate::risk::{AccountView, Approved, Quote};
use crate::types::{
    AmountError, ClientOrderId, Instrument, Money, Price, Quantity, Ratio, Side, SourceId, Symbol, TextError, TradeId,
    UtcNanos,
};

/// What can go wrong at the venue. Nothing is changed when one is returned.
#[derive(Debug, Error)]
pub enum VenueError {
    /// An amount out of range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// What the account refuses.
    #[error(transparent)]
    Portfolio(#[from] PortfolioError),
    /// An id that cannot be.
    #[error(transparent)]
    Text(#[from] TextError),
    /// An event that the order's state does not allow.
    #[error(transparent)]
    Transition(#[from] IllegalTransition),
    /// An order or bar of an instrument that the venue does not list.
    #[error("{symbol} is not listed at the practice venue; it lists {listed}")]
    UnknownSymbol {
        /// The symbol asked for.
        symbol: String,
        /// What there is.
        listed: String,
    },
    /// An id that no order has.
    #[error("there is no order {0} at the practice venue")]
    UnknownOrder(String),
    /// A bar that cannot be.
    #[error("bar of {symbol} ending {ts_event}: {problem}; check the data with `deepalpha data check`")]
    BadBar {
        /// Symbol of the bar.
        symbol: String,
        /// Its end.
        ts_event: i64,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Costs of trading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueConfig {
    /// Fee as a share of the notional.
    pub fee_rate: Ratio,
    /// Move of market and stop fills against the trader.
    pub slippage: Ratio,
}

/// A closed bar, as fixed point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Instrument.
    pub symbol: Symbol,
    /// Start.
    pub ts_open: UtcNanos,
    /// End.
    pub ts_event: UtcNanos,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
}

/// One step in an order's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderStep {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// Counts from 1 within the order.
    pub seq: u32,
    /// What happened.
    pub event: &'static str,
    /// State before.
    pub state_before: &'static str,
    /// State after.
    pub state: &'static str,
    /// Market time.
    pub ts_event: UtcNanos,
    /// Why, in words; may be empty.
    pub reason: String,
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillRecord {
    /// `<client order id>-F<n>`.
    pub fill_id: TradeId,
    /// The order.
    pub client_order_id: ClientOrderId,
    /// The decision behind it.
    pub decision_id: SourceId,
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
    /// Profit it realised, before its fee.
    pub realised: Money,
    /// Market time.
    pub ts_event: UtcNanos,
    /// Which line of the worst-case rule filled it.
    pub reason: &'static str,
}

/// What the venue reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueEvent {
    /// The venue made a protective order (stop or target) for a position.
    Attached(OrderRequest),
    /// An order took a step.
    Step(OrderStep),
    /// An order traded.
    Fill(FillRecord),
}

/// An order at the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// What was asked for.
    pub request: OrderRequest,
    /// Where it stands.
    pub state: OrderState,
    /// Steps so far.
    pub seq: u32,
    /// Fills so far.
    pub fills: u32,
    /// Market time of its acceptance; it fills only on bars that begin at or after it.
    pub ts_accepted: UtcNanos,
    /// Rank of acceptance.
    pub rank: u64,
    /// Whether it protects the position of its symbol (made by the venue).
    pub protective: bool,
}

/// The practice venue and its one account.
#[derive(Clone, Debug)]
pub struct PracticeVenue {
    config: VenueConfig,
    instruments: BTreeMap<Symbol, Instrument>,
    orders: BTreeMap<ClientOrderId, OrderRecord>,
    /// Stop and target that the position of a symbol should have.
    protection: BTreeMap<Symbol, (Option<Price>, Option<Price>)>,
    portfolio: Portfolio,
    quotes: BTreeMap<Symbol, Quote>,
    next_rank: u64,
}

impl PracticeVenue {
    /// A venue with an account that holds cash.
    #[must_use]
    pub fn new(config: VenueConfig, instruments: Vec<Instrument>, cash: Money) -> Self {
        let instruments = instruments.into_iter().map(|instrument| (instrument.symbol, instrument)).collect();
        Self {
            config,
            instruments,
            orders: BTreeMap::new(),
            protection: BTreeMap::new(),
            portfolio: Portfolio::new(cash),
            quotes: BTreeMap::new(),
            next_rank: 0,
        }
    }

    /// The account.
    #[must_use]
    pub const fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// Last price of a symbol, once it has one.
    #[must_use]
    pub fn quote(&self, symbol: &str) -> Option<Quote> {
        self.quotes.get(symbol).copied()
    }

    /// An order by its id.
    #[must_use]
    pub fn order(&self, client_order_id: &str) -> Option<&OrderRecord> {
        self.orders.get(client_order_id)
    }

    /// Stop and target of the position in a symbol.
    #[must_use]
    pub fn protection(&self, symbol: &str) -> (Option<Price>, Option<Price>) {
        self.protection.get(symbol).copied().unwrap_or_default()
    }

    /// A listed instrument.
    ///
    /// # Errors
    /// Not listed.
    pub fn instrument(&self, symbol: &str) -> Result<&Instrument, VenueError> {
        self.instruments.get(symbol).ok_or_else(|| VenueError::UnknownSymbol {
            symbol: symbol.to_owned(),
            listed: self.instruments.keys().map(Symbol::to_string).collect::<Vec<_>>().join(", "),
        })
    }

    /// The account as the risk gate must see it, working orders included.
    ///
    /// # Errors
    /// Overflow.
    pub fn account_view(&self) -> Result<AccountView, VenueError> {
        let mut working: BTreeMap<Symbol, Money> = BTreeMap::new();
        for order in self.orders.values().filter(|order| !order.state.is_closed() && !order.protective) {
            let request = &order.request;
            if request.reduce_only {
                continue;
            }
            let last = self.quote(&request.symbol).map_or(request.reference_price, |quote| quote.price);
            let price = request.order_type.price().unwrap_or(last);
            let value = price.value(request.quantity.signed(request.side.is_buy()))?;
            let sum = working.entry(request.symbol).or_default();
            *sum = sum.plus(value)?;
        }
        Ok(AccountView::new(&self.portfolio, working)?)
    }

    /// Take an approved order. Idempotent: an id that is known changes nothing and returns no events.
    ///
    /// # Errors
    /// Not listed.
    pub fn submit(&mut self, approved: Approved, now: UtcNanos) -> Result<Vec<VenueEvent>, VenueError> {
        self.instrument(&approved.request().symbol)?;
        if self.orders.contains_key(&approved.request().client_order_id) {
            return Ok(Vec::new());
        }
        self.accept(approved.into_request(), now, false)
    }

    /// Take an order back.
    ///
    /// # Errors
    /// No such order, or one that is closed.
    pub fn cancel(
        &mut self,
        client_order_id: ClientOrderId,
        now: UtcNanos,
        reason: &str,
    ) -> Result<Vec<VenueEvent>, VenueError> {
        if !self.orders.contains_key(&client_order_id) {
            return Err(VenueError::UnknownOrder(client_order_id.to_string()));
        }
        let mut events = Vec::new();
        self.step(client_order_id, OrderEventKind::Cancel, now, reason, &mut events)?;
        Ok(events)
    }

    /// Ids of the working orders, oldest first; protective ones only when asked for.
    #[must_use]
    pub fn working(&self, protective: bool) -> Vec<ClientOrderId> {
        let mut open: Vec<&OrderRecord> = self
            .orders
            .values()
            .filter(|order| !order.state.is_closed() && (protective || !order.protective))
            .collect();
        open.sort_by_key(|order| order.rank);
        open.into_iter().map(|order| order.request.client_order_id).collect()
    }

    /// Price a symbol without matching: after a restart, from the last bar in the log.
    pub fn mark(&mut self, symbol: Symbol, quote: Quote) {
        self.portfolio.mark(symbol.as_str(), quote.price);
        self.quotes.insert(symbol, quote);
    }

    /// After a restart: a fill as the log has it. All fills, in the order they were made, come before the orders.
    ///
    /// # Errors
    /// Overflow.
    pub fn restore_fill(&mut self, fill: &FillRecord) -> Result<Money, VenueError> {
        let FillRecord { symbol, side, quantity, price, fee, fill_id, .. } = fill;
        Ok(self.portfolio.book(symbol, *side, *quantity, *price, *fee, fill_id)?)
    }

    /// After a restart: an order as the log has it, oldest first, once the fills are restored.
    pub fn restore_order(&mut self, order: OrderRecord) {
        self.next_rank = self.next_rank.max(order.rank + 1);
        let OrderRequest { symbol, stop_loss, take_profit, client_order_id, .. } = &order.request;
        // Oldest first, so the order that opened the position overwrites what older positions had.
        let position_id = self.portfolio.position(symbol).map_or("", |position| position.position_id.as_str());
        let opened = position_id.rsplit_once("-F").is_some_and(|(opener, _)| client_order_id == opener);
        let protects = !order.protective && order.fills > 0 && (stop_loss.is_some() || take_profit.is_some());
        if opened || (protects && !position_id.is_empty()) {
            self.protection.insert(*symbol, (*stop_loss, *take_profit));
        }
        self.orders.insert(*client_order_id, order);
    }

    /// Match one bar; see the module's head for the rule.
    ///
    /// # Errors
    /// Not listed, or a bar that cannot be; nothing is changed then.
    pub fn on_bar(&mut self, bar: &Bar) -> Result<Vec<VenueEvent>, VenueError> {
        self.instrument(&bar.symbol)?;
        self.check_bar(bar)?;
        let mut events = Vec::new();
        // A copy is worked on and kept only if every step of the bar succeeds: a bar is all or nothing.
        let mut next = self.clone();
        next.match_bar(bar, &mut events)?;
        next.mark(bar.symbol, Quote { price: bar.close, ts_event: bar.ts_event });
        *self = next;
        Ok(events)
    }

    fn check_bar(&self, bar: &Bar) -> Result<(), VenueError> {
        let bad = |problem| VenueError::BadBar { symbol: bar.symbol.to_string(), ts_event: bar.ts_event.0, problem };
        if bar.low <= Price::ZERO {
            return Err(bad("low is not above 0"));
        }
        if bar.high < bar.open.max(bar.close) || bar.low > bar.open.min(bar.close) {
            return Err(bad("open or close lies outside low..high"));
        }
        if bar.ts_event <= bar.ts_open {
            return Err(bad("it ends before it begins"));
        }
        if self.quote(&bar.symbol).is_some_and(|quote| bar.ts_event <= quote.ts_event) {
            return Err(bad("it is not newer than the last one"));
        }
        Ok(())
    }

    fn match_bar(&mut self, bar: &Bar, events: &mut Vec<VenueEvent>) -> Result<(), VenueError> {
        self.gap_through_protection(bar, events)?;
        for id in self.eligible(bar) {
            self.fill_at_open(id, bar, events)?;
        }
        self.hit_stop(bar, bar.ts_open, events)?;
        let mut opened_inside = false;
        for id in self.eligible(bar) {
            opened_inside |= self.fill_through_limit(id, bar, events)?;
        }
        if opened_inside {
            return self.hit_stop(bar, bar.ts_event, events);
        }
        self.hit_target(bar, events)
    }

    /// Working orders of the bar's symbol that are old enough, in the order of acceptance.
    fn eligible(&self, bar: &Bar) -> Vec<ClientOrderId> {
        let mut open: Vec<&OrderRecord> = self
            .orders
            .values()
            .filter(|order| !order.protective && !order.state.is_closed() && order.request.symbol == bar.symbol)
            .filter(|order| order.ts_accepted <= bar.ts_open)
            .collect();
        open.sort_by_key(|order| order.rank);
        open.into_iter().map(|order| order.request.client_order_id).collect()
    }

    /// The working protective order of a kind: `stop` or target.
    fn protective(&self, symbol: &str, stop: bool) -> Option<(ClientOrderId, Side, Price)> {
        let mut found = self.orders.values().filter(|order| order.protective && !order.state.is_closed());
        found.find_map(|order| {
            let request = &order.request;
            match request.order_type {
                _ if request.symbol != *symbol => None,
                OrderType::Stop(price) if stop => Some((request.client_order_id, request.side, price)),
                OrderType::Limit(price) if !stop => Some((request.client_order_id, request.side, price)),
                _ => None,
            }
        })
    }

    fn gap_through_protection(&mut self, bar: &Bar, events: &mut Vec<VenueEvent>) -> Result<(), VenueError> {
        if let Some((id, side, stop)) = self.protective(&bar.symbol, true)
            && passed(side.opposite(), bar.open, stop)
        {
            let price = self.slipped(side, bar.open, bar)?;
            return self.fill(id, price, bar.ts_open, "stop: gap, filled at the open", events);
        }
        if let Some((id, side, target)) = self.protective(&bar.symbol, false)
            && passed(side, bar.open, target)
        {
            return self.fill(id, bar.open, bar.ts_open, "target: gap, filled at the open", events);
        }
        Ok(())
    }

    fn fill_at_open(&mut self, id: ClientOrderId, bar: &Bar, events: &mut Vec<VenueEvent>) -> Result<(), VenueError> {
        let Some(request) = self.orders.get(&id).map(|order| order.request) else { return Ok(()) };
        match request.order_type {
            OrderType::Market => {
                let price = self.slipped(request.side, bar.open, bar)?;
                self.fill(id, price, bar.ts_open, "market: at the open", events)
            }
            OrderType::Limit(limit) if passed(request.side, bar.open, limit) => {
                self.fill(id, bar.open, bar.ts_open, "limit: at the open", events)
            }
            _ => Ok(()),
        }
    }

    fn fill_through_limit(
        &mut self,
        id: ClientOrderId,
        bar: &Bar,
        events: &mut Vec<VenueEvent>,
    ) -> Result<bool, VenueError> {
        let Some(request) = self.orders.get(&id).map(|order| order.request) else { return Ok(false) };
        let OrderType::Limit(limit) = request.order_type else { return Ok(false) };
        let through = if request.side.is_buy() { bar.low < limit } else { bar.high > limit };
        if through {
            self.fill(id, limit, bar.ts_event, "limit: traded through", events)?;
        }
        Ok(through)
    }

    fn hit_stop(&mut self, bar: &Bar, ts: UtcNanos, events: &mut Vec<VenueEvent>) -> Result<(), VenueError> {
        let Some((id, side, stop)) = self.protective(&bar.symbol, true) else { return Ok(()) };
        let touched = if side.is_buy() { bar.high >= stop } else { bar.low <= stop };
        if !touched {
            return Ok(());
        }
        let price = self.slipped(side, stop, bar)?;
        self.fill(id, price, ts.max(bar.ts_event), "stop: touched", events)
    }

    fn hit_target(&mut self, bar: &Bar, events: &mut Vec<VenueEvent>) -> Result<(), VenueError> {
        let Some((id, side, target)) = self.protective(&bar.symbol, false) else { return Ok(()) };
        let through = if side.is_buy() { bar.low < target } else { bar.high > target };
        if !through {
            return Ok(());
        }
        // A target set on the wrong side of the market never fills at a price that did not trade.
        self.fill(id, target.clamp(bar.low, bar.high), bar.ts_event, "target: traded through", events)
    }

    /// `price` moved against the trader by the slippage, to the tick, and kept inside the bar.
    fn slipped(&self, side: Side, price: Price, bar: &Bar) -> Result<Price, VenueError> {
        let tick = self.instrument(&bar.symbol)?.tick_size;
        let shift = if side.is_buy() { self.config.slippage } else { Ratio::from_raw(-self.config.slippage.raw()) };
        Ok(price.shifted(shift, tick, side.is_buy())?.clamp(bar.low, bar.high))
    }

    fn accept(
        &mut self,
        request: OrderRequest,
        now: UtcNanos,
        protective: bool,
    ) -> Result<Vec<VenueEvent>, VenueError> {
        let id = request.client_order_id;
        let (state, rank) = (OrderState::Initialized, self.next_rank);
        let order = OrderRecord { request, state, seq: 0, fills: 0, ts_accepted: now, rank, protective };
        self.next_rank += 1;
        self.orders.insert(id, order);
        let mut events = Vec::new();
        self.step(id, OrderEventKind::Submit, now, "", &mut events)?;
        self.step(id, OrderEventKind::Accept, now, "", &mut events)?;
        Ok(events)
    }

    fn step(
        &mut self,
        id: ClientOrderId,
        kind: OrderEventKind,
        now: UtcNanos,
        reason: &str,
        events: &mut Vec<VenueEvent>,
    ) -> Result<(), VenueError> {
        let order = self.orders.get_mut(&id).ok_or_else(|| VenueError::UnknownOrder(id.to_string()))?;
        let state = transition(&order.state, kind)?;
        order.seq += 1;
        let (client_order_id, reason) = (id, reason.to_owned());
        let (before, after) = (order.state.as_str(), state.as_str());
        order.state = state;
        let step = OrderStep {
            client_order_id,
            seq: order.seq,
            event: kind.as_str(),
            state_before: before,
            state: after,
            ts_event: now,
            reason,
        };
        events.push(VenueEvent::Step(step));
        Ok(())
    }

    /// Fill an order in full, or as much of a reduce-only one as there is to reduce.
    fn fill(
        &mut self,
        id: ClientOrderId,
        price: Price,
        now: UtcNanos,
        reason: &'static str,
        events: &mut Vec<VenueEvent>,
    ) -> Result<(), VenueError> {
        let order = self.orders.get(&id).ok_or_else(|| VenueError::UnknownOrder(id.to_string()))?;
        let (request, number) = (order.request, order.fills + 1);
        let held = self.portfolio.quantity(&request.symbol);
        let mut quantity = request.quantity;
        if request.reduce_only {
            let closes = if request.side.is_buy() { held.raw() < 0 } else { held.raw() > 0 };
            quantity = if closes { quantity.at_most(held.magnitude()) } else { Quantity::ZERO };
            if quantity == Quantity::ZERO {
                return self.step(id, OrderEventKind::Cancel, now, "nothing left to reduce", events);
            }
        }
        let fee = price.notional(quantity)?.times(self.config.fee_rate)?;
        let fill_id = id.fill(number)?;
        let realised = self.portfolio.book(&request.symbol, request.side, quantity, price, fee, &fill_id)?;
        if let Some(order) = self.orders.get_mut(&id) {
            order.fills = number;
        }
        self.step(id, OrderEventKind::Fill { quantity, of: quantity }, now, reason, events)?;
        let OrderRequest { client_order_id, decision_id, symbol, side, .. } = request;
        let fill = FillRecord {
            fill_id,
            client_order_id,
            decision_id,
            symbol,
            side,
            quantity,
            price,
            fee,
            realised,
            ts_event: now,
            reason,
        };
        events.push(VenueEvent::Fill(fill));
        self.protect(&request, now, number, events)
    }

    /// Make the protective orders of a symbol fit its position after a fill of `cause`.
    fn protect(
        &mut self,
        cause: &OrderRequest,
        now: UtcNanos,
        number: u32,
        events: &mut Vec<VenueEvent>,
    ) -> Result<(), VenueError> {
        let symbol = &cause.symbol;
        let held = self.portfolio.quantity(symbol);
        for stop in [true, false] {
            if let Some((id, ..)) = self.protective(symbol, stop) {
                let reason = if held.raw() == 0 { "position closed" } else { "position changed" };
                self.step(id, OrderEventKind::Cancel, now, reason, events)?;
            }
        }
        if held.raw() == 0 {
            self.protection.remove(symbol);
            return Ok(());
        }
        // A position that this very fill opened (or flipped) has the protection of its own order, or none.
        let opened_by = self.portfolio.position(symbol).map(|position| position.position_id.as_str());
        let opened_now = opened_by == Some(format!("{}-F{number}", cause.client_order_id).as_str());
        if opened_now || cause.stop_loss.is_some() || cause.take_profit.is_some() {
            self.protection.insert(*symbol, (cause.stop_loss, cause.take_profit));
        }
        let (stop, target) = self.protection(symbol);
        let side = if held.raw() > 0 { Side::Sell } else { Side::Buy };
        let legs = [("SL", stop.map(OrderType::Stop)), ("TP", target.map(OrderType::Limit))];
        for (leg, order_type) in legs {
            let Some(order_type) = order_type else { continue };
            let request = OrderRequest {
                reduce_only: true,
                ..OrderRequest::new(
                    cause.client_order_id.child(format_args!("{leg}{number}"))?,
                    cause.decision_id,
                    *symbol,
                    side,
                    held.magnitude(),
                    order_type,
                    order_type.price().unwrap_or_default(),
                )
            };
            events.push(VenueEvent::Attached(request));
            events.extend(self.accept(request, now, true)?);
        }
        Ok(())
    }
}

/// Whether `price` is at or beyond `level` from the view of a `side` limit order: at or below it for a buy.
fn passed(side: Side, price: Price, level: Price) -> bool {
    if side.is_buy() { price <= level } else { price >= level }
}
