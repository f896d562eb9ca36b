//! The practice venue: its desks, its one account, and the memory of every order id.
//!
//! Cost: a bar O(working orders of its symbol); submit, cancel, amend O(log n). Closed orders keep 96 bytes: the id,
//! how it ended and whose it was, for idempotency and to tell whose a position is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::desk::{Closed, Desk};
use super::fees::{Charges, RollingVolume};
use super::report::{Bar, FillRecord, OrderRecord, RestoredOrder, VenueConfig, VenueError, VenueEvent};
use super::session::{Ledger, Session};
use crate::orders::{OrderEventKind, OrderRequest, OrderState, PositionSide};
use crate::portfolio::Portfolio;
use crate::risk::{AccountView, Approved, Exposure, Quote, Strategies};
use crate::types::{ClientOrderId, Instrument, Money, Price, StateHasher, StrategyId, Symbol, TradeId, UtcNanos};

/// Where an order is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Working(Symbol, u64),
    Closed(OrderState, StrategyId),
}

/// The practice venue and its one account.
#[derive(Clone, Debug)]
pub struct PracticeVenue {
    config: VenueConfig,
    desks: BTreeMap<Symbol, Desk>,
    places: BTreeMap<ClientOrderId, Place>,
    ledger: Ledger,
    next_rank: u64,
    /// OCO groups that have traded.
    spent_groups: BTreeSet<ClientOrderId>,
    /// What restored fills add up to, for orders that are not restored yet.
    restored: BTreeMap<ClientOrderId, Charges>,
}

impl PracticeVenue {
    /// A venue with an account that holds cash.
    ///
    /// # Errors
    /// A setting out of its bounds.
    pub fn new(config: VenueConfig, instruments: Vec<Instrument>, cash: Money) -> Result<Self, VenueError> {
        config.validate()?;
        let desks = instruments.into_iter().map(|instrument| (instrument.symbol, Desk::new(instrument))).collect();
        let ledger = Ledger { portfolio: Portfolio::new(cash), volume: RollingVolume::new() };
        Ok(Self {
            config,
            desks,
            places: BTreeMap::new(),
            ledger,
            next_rank: 0,
            spent_groups: BTreeSet::new(),
            restored: BTreeMap::new(),
        })
    }

    /// The account.
    #[must_use]
    pub const fn portfolio(&self) -> &Portfolio {
        &self.ledger.portfolio
    }

    /// Last price of a symbol, once it has one.
    #[must_use]
    pub fn quote(&self, symbol: &str) -> Option<Quote> {
        self.desks.get(symbol).and_then(|desk| desk.quote)
    }

    /// A working order by its id.
    #[must_use]
    pub fn order(&self, client_order_id: &str) -> Option<&OrderRecord> {
        let Some(Place::Working(symbol, rank)) = self.places.get(client_order_id) else { return None };
        self.desks.get(symbol).and_then(|desk| desk.orders.get(rank))
    }

    /// State of an order, also of a closed one; `None` when the venue never saw it.
    #[must_use]
    pub fn order_state(&self, client_order_id: &str) -> Option<OrderState> {
        match self.places.get(client_order_id)? {
            Place::Closed(state, _) => Some(*state),
            Place::Working(..) => self.order(client_order_id).map(|order| order.state),
        }
    }

    /// Stop and target of the position in a symbol.
    #[must_use]
    pub fn protection(&self, symbol: &str) -> (Option<Price>, Option<Price>) {
        self.desks.get(symbol).map(|desk| desk.bracket.levels()).unwrap_or_default()
    }

    /// Best price and level of a sleeping trailing stop.
    #[must_use]
    pub fn trail(&self, client_order_id: &str) -> Option<super::TrailState> {
        let Some(Place::Working(symbol, rank)) = self.places.get(client_order_id) else { return None };
        self.desks.get(symbol).and_then(|desk| desk.triggers.trail_state(*rank))
    }

    /// A listed instrument.
    ///
    /// # Errors
    /// Not listed.
    pub fn instrument(&self, symbol: &str) -> Result<&Instrument, VenueError> {
        self.desks.get(symbol).map(|desk| &desk.instrument).ok_or_else(|| self.not_listed(symbol))
    }

    fn not_listed(&self, symbol: &str) -> VenueError {
        let listed = self.desks.keys().map(Symbol::to_string).collect::<Vec<_>>().join(", ");
        VenueError::UnknownSymbol { symbol: symbol.to_owned(), listed }
    }

    /// Whose a position is: the strategy of the order whose fill opened it, whoever closes or adds to it.
    fn owner(&self, position_id: &TradeId) -> StrategyId {
        let opener = position_id.rsplit_once("-F").and_then(|(opener, _)| self.places.get_key_value(opener));
        match opener {
            Some((_, Place::Closed(_, strategy))) => *strategy,
            Some((id, Place::Working(..))) => self.order(id).map(|order| order.request.strategy).unwrap_or_default(),
            None => StrategyId::EMPTY,
        }
    }

    /// The account as the risk gate must see it: working orders, whose each position is and own resting prices
    /// included. Protective orders are the venue's own and make room for whatever trades against them.
    ///
    /// # Errors
    /// Overflow.
    pub fn account_view(&self) -> Result<AccountView, VenueError> {
        let mut working: BTreeMap<Symbol, Money> = BTreeMap::new();
        let mut strategies = Strategies::default();
        for (symbol, position) in self.ledger.portfolio.positions() {
            if position.quantity.raw() != 0 {
                strategies.owner.insert(symbol, self.owner(&position.position_id));
            }
        }
        for desk in self.desks.values() {
            for order in desk.orders.values().filter(|order| !order.protective && !order.request.reduce_only) {
                let request = &order.request;
                let last = desk.quote.map_or(request.reference_price, |quote| quote.price);
                let price = request.order_type.price().unwrap_or(last);
                let left = order.left();
                let value = price.value(left.signed(request.side.is_buy()))?;
                let sum = working.entry(request.symbol).or_default();
                *sum = sum.plus(value)?;
                strategies.work(request, left, value)?;
            }
        }
        let view = AccountView::new(&self.ledger.portfolio, working)?;
        Ok(AccountView { strategies: Some(strategies), ..view })
    }

    /// The holdings alone, with their steps and last prices: what [`crate::risk::RiskGate::reduction_plan`] starts from.
    ///
    /// # Errors
    /// Overflow.
    pub fn holdings(&self) -> Result<Exposure, VenueError> {
        let portfolio = &self.ledger.portfolio;
        let mut held = Exposure::new(portfolio.totals()?.equity, Arc::default());
        for (symbol, position) in portfolio.positions() {
            held.list(*self.instrument(&symbol)?);
            held.restore(StrategyId::EMPTY, &symbol, position.quantity, position.last_price)?;
        }
        Ok(held)
    }

    /// Take an approved order. Idempotent: an id that is known changes nothing and returns no events.
    ///
    /// # Errors
    /// Not listed, a request that makes no sense, or one that this venue cannot do.
    pub fn submit(&mut self, approved: Approved, now: UtcNanos) -> Result<Vec<VenueEvent>, VenueError> {
        let request = approved.into_request();
        if self.places.contains_key(&request.client_order_id) {
            return Ok(Vec::new());
        }
        self.validate(&request, now)?;
        let Some(desk) = self.desks.get_mut(&request.symbol) else { return Ok(Vec::new()) };
        let (rank, id) = (self.next_rank, request.client_order_id);
        let best = desk.quote.map_or(request.reference_price, |quote| quote.price);
        desk.add(OrderRecord::new(request, now, rank, false), best)?;
        self.next_rank += 1;
        self.places.insert(id, Place::Working(request.symbol, rank));
        let mut events = Vec::with_capacity(2);
        desk.step(rank, OrderEventKind::Submit, now, "", &mut events)?;
        let terms = desk.trail_terms(rank).unwrap_or_default();
        desk.step(rank, OrderEventKind::Accept, now, terms, &mut events)?;
        Ok(events)
    }

    /// Check a request without a market: what the instrument, the order type and this venue allow.
    ///
    /// # Errors
    /// Not listed, a request that makes no sense, or one that this venue cannot do.
    pub fn validate(&self, request: &OrderRequest, now: UtcNanos) -> Result<(), VenueError> {
        request.validate(self.instrument(&request.symbol)?, now)?;
        self.check_group(request)?;
        if request.position_side != PositionSide::Net {
            return Err(VenueError::Unsupported {
                client_order_id: request.client_order_id,
                problem: "the practice account nets, so there is no leg",
                value: request.position_side.as_str().to_owned(),
                way_out: "use position side net",
            });
        }
        Ok(())
    }

    /// What trades at one desk cannot cancel at another within one bar, and a group trades once.
    fn check_group(&self, request: &OrderRequest) -> Result<(), VenueError> {
        let group = &request.oco_group;
        let elsewhere =
            |(symbol, desk): (&Symbol, &Desk)| *symbol != request.symbol && !desk.groups.members(group).is_empty();
        let problem = if group.is_empty() {
            return Ok(());
        } else if self.spent_groups.contains(group) {
            "an order has traded already in the oco group"
        } else if self.desks.iter().any(elsewhere) {
            "another instrument has orders in the oco group"
        } else {
            return Ok(());
        };
        let (client_order_id, value) = (request.client_order_id, group.to_string());
        Err(VenueError::Unsupported { client_order_id, problem, value, way_out: "use a new group" })
    }

    /// Take an order back. A protective order taken back stays away: its position goes on without it.
    ///
    /// # Errors
    /// No such order, or one that is closed.
    pub fn cancel(
        &mut self,
        client_order_id: ClientOrderId,
        now: UtcNanos,
        reason: &str,
    ) -> Result<Vec<VenueEvent>, VenueError> {
        let (symbol, rank) = self.find(client_order_id, OrderEventKind::Cancel)?;
        let Some(desk) = self.desks.get_mut(&symbol) else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        desk.forget_leg(rank);
        let closed = desk.step(rank, OrderEventKind::Cancel, now, reason, &mut events)?;
        self.close(closed);
        Ok(events)
    }

    /// Change a working order; see [`super::Amendment`]. A quantity at or below what is filled cancels the rest. A new
    /// price counts from the next bar that begins at or after `now`.
    ///
    /// # Errors
    /// No such order, one that is closed, or terms that it cannot have; nothing is changed then.
    pub fn amend(
        &mut self,
        client_order_id: ClientOrderId,
        change: super::Amendment,
        now: UtcNanos,
    ) -> Result<Vec<VenueEvent>, VenueError> {
        let (symbol, rank) = self.find(client_order_id, OrderEventKind::RequestAmend)?;
        let Some(desk) = self.desks.get_mut(&symbol) else { return Ok(Vec::new()) };
        let (events, closed) = desk.amend(rank, change, now)?;
        self.close(closed);
        Ok(events)
    }

    fn find(&self, id: ClientOrderId, kind: OrderEventKind) -> Result<(Symbol, u64), VenueError> {
        match self.places.get(&id) {
            None => Err(VenueError::UnknownOrder(id.to_string())),
            Some(Place::Working(symbol, rank)) => Ok((*symbol, *rank)),
            Some(Place::Closed(state, _)) => {
                Err(crate::orders::IllegalTransition { state: state.as_str(), event: kind.as_str() }.into())
            }
        }
    }

    fn close(&mut self, closed: impl IntoIterator<Item = Closed>) {
        self.places.extend(closed.into_iter().map(|(id, state, strategy)| (id, Place::Closed(state, strategy))));
    }

    /// Ids of the working orders, oldest first; protective ones only when asked for.
    #[must_use]
    pub fn working(&self, protective: bool) -> Vec<ClientOrderId> {
        let orders = self.desks.values().flat_map(|desk| desk.orders.values());
        let mut open: Vec<&OrderRecord> = orders.filter(|order| protective || !order.protective).collect();
        open.sort_by_key(|order| order.rank);
        open.into_iter().map(|order| order.request.client_order_id).collect()
    }

    /// Price a symbol without matching: after a restart, from the last bar in the log, with the begin of that bar.
    pub fn mark(&mut self, symbol: Symbol, quote: Quote, last_open: Option<UtcNanos>) {
        if let Some(desk) = self.desks.get_mut(&symbol) {
            (desk.quote, desk.last_open) = (Some(quote), last_open);
            self.ledger.portfolio.mark(symbol.as_str(), quote.price);
        }
    }

    /// After a restart: a fill as the log has it. All fills, in the order they were made, come before the orders.
    ///
    /// # Errors
    /// Overflow.
    pub fn restore_fill(&mut self, fill: &FillRecord) -> Result<Money, VenueError> {
        let FillRecord { symbol, side, quantity, price, fee, fill_id, client_order_id, ts_event, .. } = fill;
        let charges = self.restored.get(client_order_id).copied().unwrap_or_default();
        let charges = charges.with(*price, *quantity, *fee)?;
        self.ledger.volume.add(*ts_event, price.notional(*quantity)?)?;
        let realised = self.ledger.portfolio.book(symbol, *side, *quantity, *price, *fee, fill_id)?;
        self.restored.insert(*client_order_id, charges);
        Ok(realised)
    }

    /// After a restart: an order as the log has it, oldest first, once the fills are restored.
    ///
    /// # Errors
    /// Not listed, or a trailing stop that cannot be.
    pub fn restore_order(&mut self, restored: RestoredOrder) -> Result<(), VenueError> {
        let RestoredOrder { mut record, best } = restored;
        let (id, symbol, rank) = (record.request.client_order_id, record.request.symbol, record.rank);
        if record.fills > 0 && !record.request.oco_group.is_empty() {
            self.spent_groups.insert(record.request.oco_group);
        }
        record.charges = self.restored.remove(&id).unwrap_or_default();
        // What is filled is what the fills say, whatever the row says.
        record.state = OrderState::parse(record.state.as_str(), record.charges.quantity).unwrap_or(record.state);
        self.instrument(&symbol)?;
        let Some(desk) = self.desks.get_mut(&symbol) else { return Ok(()) };
        let place = if record.state.is_closed() {
            Place::Closed(record.state, record.request.strategy)
        } else {
            Place::Working(symbol, rank)
        };
        if !record.state.is_closed() {
            let best = best.unwrap_or(record.request.reference_price);
            desk.add(record, best)?;
        }
        self.places.insert(id, place);
        self.next_rank = self.next_rank.max(rank + 1);
        Ok(())
    }

    /// Match one bar; see the module's head for the rule.
    ///
    /// # Errors
    /// Not listed, or a bar that cannot be; nothing is changed then.
    pub fn on_bar(&mut self, bar: &Bar) -> Result<Vec<VenueEvent>, VenueError> {
        let Some(desk) = self.desks.get(&bar.symbol) else { return Err(self.not_listed(&bar.symbol)) };
        check_bar(desk, bar)?;
        let mut events = Vec::new();
        if !desk.orders.is_empty() {
            let mut session = Session::new(bar, &self.config, desk.clone(), &self.ledger, self.next_rank)?;
            session.run()?;
            let Session { desk, ledger, next_rank, closed, spent_groups, events: made, .. } = session;
            // Nothing can fail from here on.
            let ledger = match ledger {
                Cow::Owned(ledger) => Some(ledger),
                Cow::Borrowed(_) => None,
            };
            let first_new = self.next_rank;
            let attached = desk.orders.range(first_new..);
            let attached = attached.map(|(rank, order)| (order.request.client_order_id, *rank));
            self.places.extend(attached.map(|(id, rank)| (id, Place::Working(bar.symbol, rank))));
            self.close(closed);
            self.spent_groups.extend(spent_groups);
            self.desks.insert(bar.symbol, desk);
            if let Some(ledger) = ledger {
                self.ledger = ledger;
            }
            (self.next_rank, events) = (next_rank, made);
        }
        self.mark(bar.symbol, Quote { price: bar.close, ts_event: bar.ts_event }, Some(bar.ts_open));
        Ok(events)
    }

    /// One number for the whole state: equal after a restart from the same fills and orders, and in every replay.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut hasher = StateHasher::new();
        for desk in self.desks.values() {
            desk.hash(&mut hasher);
        }
        for (id, place) in &self.places {
            if let Place::Closed(state, _) = place {
                hasher.text(id);
                hasher.text(state.as_str());
                hasher.int(state.filled().raw());
            }
        }
        self.ledger.portfolio.for_each_word(&mut |bytes| hasher.bytes(bytes));
        for group in &self.spent_groups {
            hasher.text(group);
        }
        for (day, value) in self.ledger.volume.days() {
            hasher.int(*day);
            hasher.int(value.raw());
        }
        hasher.finish()
    }
}

fn check_bar(desk: &Desk, bar: &Bar) -> Result<(), VenueError> {
    let bad = |problem| Err(VenueError::BadBar { symbol: bar.symbol.to_string(), ts_event: bar.ts_event.0, problem });
    if bar.low <= Price::ZERO {
        return bad("low is not above 0");
    }
    if bar.high < bar.open.max(bar.close) || bar.low > bar.open.min(bar.close) {
        return bad("open or close lies outside low..high");
    }
    if bar.volume < crate::types::Quantity::ZERO {
        return bad("volume is negative");
    }
    if bar.ts_event <= bar.ts_open {
        return bad("it ends before it begins");
    }
    if desk.quote.is_some_and(|quote| bar.ts_event <= quote.ts_event) {
        return bad("it is not newer than the last one");
    }
    Ok(())
}
