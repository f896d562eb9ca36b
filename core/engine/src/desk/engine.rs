//! The execution desk: one object in which an order is throttled, ruled on, matched, booked and told.
//!
//! Order of things in [`ExecutionDesk::submit`]: room for events, throttle, gate (against an [`Exposure`] that is kept
//! up to date, so a check costs the same for any number of positions), venue, account, events. Whoever journals writes
//! the events of a command ([`ExecutionDesk::events_since`]) before it acknowledges it.
//!
//! Invariants: one writer, the clock is the caller's; every order that reaches the venue has an `Intent` event before
//! it; the exposure of the gate and the account of the venue are fed by the same fills; a cancel is never throttled,
//! queued or refused by the gate; an error means that nothing was sent. The same commands give the same
//! [`ExecutionDesk::state_hash`]. Cost: O(log instruments) plus what the venue's matching costs, whatever was sent
//! before; no allocation once grown, but for the boxed copy of the order in its `Intent` event.

use std::collections::BTreeMap;

pub use super::desk_terms::{DeskConfig, DeskCounts, DeskError, Submitted};
use super::events::{DeskEvent, EventRing};
use super::parents::{ChildReport, ParentOrder};
use super::queue::{Priority, PriorityQueue};
use super::throttle::{Admission, Operation, Throttle};
use crate::matching::exchange::{
    AccountId, CancelFilter, CounterpartyId, Exchange, ExchangeConfig, ExchangeEvent, LiquidityKind,
};
use crate::matching::{FeeModel, FillRecord, OrderStep, VenueEvent};
use crate::orders::{OrderRequest, PositionSide};
use crate::portfolio::{AccountKind, AccountTerms, Portfolio};
use crate::risk::{Execution, Exposure, Market, RiskError, RiskGate};
use crate::types::{ClientOrderId, Instrument, Money, Quantity, Ratio, StrategyId, Symbol, UtcNanos};

/// What the desk keeps of an instrument.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub instrument: Instrument,
    pub market: Market,
    /// Volume traded in the market since it was listed, for POV parents.
    pub volume: Quantity,
    /// The counterparty's quotes that may still rest, in a book of our own.
    pub quotes: Vec<ClientOrderId>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct ExecutionDesk {
    pub(super) gate: RiskGate,
    pub(super) exposure: Exposure,
    pub(super) exchange: Exchange,
    pub(super) account: AccountId,
    pub(super) counterparty: CounterpartyId,
    pub(super) liquidity: LiquidityKind,
    pub(super) listed: Vec<Listed>,
    pub(super) by_symbol: BTreeMap<Symbol, usize>,
    pub(super) throttle: Option<Throttle>,
    pub(super) waiting: PriorityQueue<OrderRequest>,
    pub(super) ring: EventRing,
    pub(super) counts: DeskCounts,
    pub(super) parents: BTreeMap<ClientOrderId, ParentOrder>,
    /// Volume at a POV parent's start.
    pub(super) volume_before: BTreeMap<ClientOrderId, Quantity>,
    /// What became of children, still to be told to their parents.
    pub(super) reports: Vec<(ClientOrderId, u32, ChildReport)>,
    pub(super) settling: bool,
    pub(super) quote_number: u64,
    /// Kept for its memory.
    pub(super) scratch: Vec<ExchangeEvent>,
    /// Slot of the last order's instrument.
    recent: usize,
    /// The last order sent and whose it is: most fills are its own.
    sent: (ClientOrderId, StrategyId),
}

impl ExecutionDesk {
    /// A desk with an account and no instruments.
    ///
    /// # Errors
    /// Account terms, fees or a throttle that cannot be.
    pub fn new(config: DeskConfig, now: UtcNanos) -> Result<Self, DeskError> {
        // The counterparty is the desk's own; nobody reads its fills.
        let mut exchange = Exchange::new(ExchangeConfig { book_counterparties: false, ..config.exchange });
        let mut portfolio = Portfolio::open(config.account)?;
        if config.cash > Money::ZERO {
            portfolio.deposit(config.account.currency, config.cash)?;
        }
        let account = exchange.open_account(portfolio, config.fees)?;
        // Half of what a balance can hold: the counterparty never runs dry nor over.
        let unbounded = AccountKind::Margin { leverage: Ratio::from_raw(i64::MAX) };
        let mut house = Portfolio::open(AccountTerms::new(unbounded, config.account.currency))?;
        house.deposit(config.account.currency, Money::from_raw(i64::MAX / 2))?;
        let counterparty = exchange.open_counterparty(house, FeeModel::flat(Ratio::ZERO))?;
        let exposure = Exposure::new(config.cash, config.limits.clusters.clone());
        Ok(Self {
            gate: RiskGate::new(config.limits),
            exposure,
            exchange,
            account,
            counterparty,
            liquidity: config.liquidity,
            listed: Vec::new(),
            by_symbol: BTreeMap::new(),
            throttle: config.throttle.map(|limits| Throttle::new(limits, now)).transpose()?,
            waiting: PriorityQueue::new(config.waiting, config.overflow),
            ring: EventRing::new(config.events, config.event_overflow),
            counts: DeskCounts::default(),
            parents: BTreeMap::new(),
            volume_before: BTreeMap::new(),
            reports: Vec::new(),
            settling: false,
            quote_number: 0,
            scratch: Vec::new(),
            recent: 0,
            sent: (ClientOrderId::EMPTY, StrategyId::EMPTY),
        })
    }

    /// List an instrument. Listing it again with the same terms changes nothing.
    ///
    /// # Errors
    /// Terms that do not fit together, or other terms than before; a kind or currency that the account does not hold.
    pub fn list(&mut self, instrument: Instrument) -> Result<(), DeskError> {
        let account = self.portfolio()?.terms().currency;
        if instrument.currency != account {
            let (symbol, currency) = (instrument.symbol, instrument.currency);
            return Err(DeskError::ForeignCurrency { symbol, currency, account });
        }
        // The venue lists what this account may not hold; here it would only be a way to rejected orders.
        self.portfolio()?.clone().list(instrument)?;
        self.exchange.list(instrument, self.liquidity)?;
        if !self.by_symbol.contains_key(&instrument.symbol) {
            self.by_symbol.insert(instrument.symbol, self.listed.len());
            let (market, volume) = (Market::default(), Quantity::ZERO);
            self.listed.push(Listed { instrument, market, volume, quotes: Vec::new() });
            self.exposure.list(instrument);
        }
        Ok(())
    }

    pub(super) fn slot(&self, symbol: &Symbol) -> Result<usize, DeskError> {
        // The instrument of the last order is mostly that of the next.
        if self.listed.get(self.recent).is_some_and(|listed| listed.instrument.symbol == *symbol) {
            return Ok(self.recent);
        }
        self.by_symbol.get(symbol).copied().ok_or_else(|| self.unlisted(*symbol))
    }

    #[cold]
    pub(super) fn unlisted(&self, symbol: Symbol) -> DeskError {
        let names: Vec<&str> = self.listed.iter().map(|listed| listed.instrument.symbol.as_str()).collect();
        DeskError::UnknownSymbol { symbol, listed: names.join(", ") }
    }

    /// Tell the gate what the legs hold that an order of a hedging account is about.
    #[inline]
    pub(super) fn look_at_legs(&mut self, request: &OrderRequest) -> Result<(), DeskError> {
        if request.position_side == PositionSide::Net {
            return Ok(());
        }
        let portfolio = self.portfolio()?;
        let held = |side| Some(portfolio.leg(portfolio.index_of(&request.symbol)?, side)?.quantity.magnitude());
        let legs = [PositionSide::Long, PositionSide::Short].map(|side| held(side).unwrap_or_default());
        self.exposure.set_legs(&request.symbol, legs);
        Ok(())
    }

    /// Whether an order of this kind can only shrink what is held: such orders have the reserve of the throttle.
    fn urgency(&self, request: &OrderRequest) -> (Operation, Priority) {
        if self.exposure.row(&request.symbol).is_some_and(|row| row.shrinks(request)) {
            (Operation::Reduce, Priority::Reducing)
        } else {
            (Operation::Submit, Priority::Normal)
        }
    }

    /// Submit an order: throttle, gate, venue, account, events.
    ///
    /// # Errors
    /// Refused by the gate (an event tells it too), the throttle or the venue; nothing was sent.
    pub fn submit(&mut self, request: OrderRequest, now: UtcNanos) -> Result<Submitted, DeskError> {
        self.counts.submitted += 1;
        let sent = self.admit(&request, now);
        match &sent {
            Err(DeskError::Refused(_)) | Ok(Submitted::Sent(_)) => {}
            Ok(Submitted::Waiting { .. }) => self.counts.waited += 1,
            Err(_) => self.counts.turned_away += 1,
        }
        sent
    }

    fn admit(&mut self, request: &OrderRequest, now: UtcNanos) -> Result<Submitted, DeskError> {
        if !self.ring.ready() {
            return Err(DeskError::EventsFull { capacity: self.ring.capacity() });
        }
        let slot = self.slot(&request.symbol)?;
        if self.throttle.is_some() {
            self.look_at_legs(request)?;
            let (operation, priority) = self.urgency(request);
            // What came before it goes before it: while others wait, it waits behind them.
            let others = self.waiting.peek().is_some_and(|(first, _)| first <= priority);
            let answer = self.throttle.as_mut().map_or(Admission::Pass, |throttle| throttle.admit(operation, now));
            match answer {
                Admission::Pass if !others => {}
                Admission::Pass => return self.wait(*request, priority, now),
                Admission::Wait { until } => return self.wait(*request, priority, until),
                Admission::Refuse { bucket, until } => {
                    return Err(DeskError::Throttled { operation: operation.as_str(), bucket, until });
                }
            }
        }
        self.send(request, slot, now)
    }

    fn wait(&mut self, request: OrderRequest, priority: Priority, until: UtcNanos) -> Result<Submitted, DeskError> {
        let client_order_id = request.client_order_id;
        match self.waiting.push(priority, request) {
            Ok(None) => Ok(Submitted::Waiting { until }),
            Ok(Some(displaced)) => {
                self.tell_unsent(&displaced, until, "a more urgent order took its place in the queue");
                Ok(Submitted::Waiting { until })
            }
            Err(full) => Err(DeskError::QueueFull { client_order_id, capacity: full.capacity }),
        }
    }

    /// An order that waited and was never sent.
    pub(super) fn tell_unsent(&mut self, request: &OrderRequest, now: UtcNanos, reason: &str) {
        self.counts.cancelled += 1;
        self.report_closed(&request.client_order_id);
        self.ring.push(DeskEvent::Step(OrderStep {
            client_order_id: request.client_order_id,
            seq: 1,
            event: "cancel",
            state_before: "initialized",
            state: "cancelled",
            ts_event: now,
            reason: reason.to_owned(),
        }));
    }

    /// Past the throttle: gate, venue, account, events.
    pub(super) fn send(&mut self, request: &OrderRequest, slot: usize, now: UtcNanos) -> Result<Submitted, DeskError> {
        self.look_at_legs(request)?;
        let Some(listed) = self.listed.get(slot) else {
            return Err(self.unlisted(request.symbol));
        };
        let (instrument, market) = (&listed.instrument, listed.market);
        let ruled = self.gate.approve(request, instrument, &self.exposure, market, now)?;
        let approved = match ruled {
            Ok(approved) => approved,
            Err(refused) => {
                self.counts.refused += 1;
                let client_order_id = request.client_order_id;
                let told = Box::new(refused.clone());
                self.ring.push(DeskEvent::Refused { client_order_id, ts_event: now, refused: told });
                return Err(refused.into());
            }
        };
        self.exposure.open(request)?;
        (self.sent, self.recent) = ((request.client_order_id, request.strategy), slot);
        let intent = self.ring.next_number();
        self.ring.push_intent(request);
        let mut events = std::mem::take(&mut self.scratch);
        let sent = self.exchange.submit_ruled(self.account, approved, now, &mut events);
        let (told, failed) = (self.absorb(&mut events), sent.is_err());
        self.scratch = events;
        if failed && self.ring.next_number() == intent + 1 {
            // The venue never had it. What is logged is honest: an intent, and that it was not sent.
            self.exposure.close(&request.client_order_id)?;
            self.tell_unsent(request, now, "the venue did not take the command");
        } else {
            self.counts.approved += 1;
        }
        told?;
        let state = sent?;
        self.settle_parents(now);
        Ok(Submitted::Sent(state))
    }

    /// Book what the venue told into gate, counters and ring; `events` is left empty.
    pub(super) fn absorb(&mut self, events: &mut Vec<ExchangeEvent>) -> Result<(), DeskError> {
        let mut failed = None;
        let own = self.account;
        // Read in place, not moved out: an event is copied once, into the ring.
        for event in events.iter_mut().filter(|event| event.account == own) {
            let booked = match &mut event.event {
                VenueEvent::Step(step) => self.absorb_step(step),
                VenueEvent::Fill(fill) => self.absorb_fill(fill),
                VenueEvent::Attached(request) => {
                    let opened = self.exposure.open(request);
                    self.ring.push(DeskEvent::Attached(request.clone()));
                    opened
                }
            };
            // Everything is told even where one amount does not fit the gate's sums; the first error is the answer.
            if let Err(error) = booked {
                failed.get_or_insert(error);
            }
        }
        events.clear();
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    fn absorb_step(&mut self, step: &mut OrderStep) -> Result<(), RiskError> {
        let counter = match step.state {
            "rejected" => Some(&mut self.counts.rejected),
            "cancelled" => Some(&mut self.counts.cancelled),
            "expired" => Some(&mut self.counts.expired),
            "filled" => Some(&mut self.counts.filled),
            _ => None,
        };
        let closed = counter.is_some();
        if let Some(counter) = counter {
            *counter += 1;
        }
        // A filled order is closed by its fill, which is the next event.
        let closes = closed && step.state != "filled";
        let client_order_id = step.client_order_id;
        let reason = std::mem::take(&mut step.reason);
        self.ring.push(DeskEvent::Step(OrderStep { reason, ..*step }));
        if closes {
            self.exposure.close(&client_order_id)?;
            self.report_closed(&client_order_id);
        }
        Ok(())
    }

    fn absorb_fill(&mut self, fill: &FillRecord) -> Result<(), RiskError> {
        self.counts.fills += 1;
        let strategy = if self.sent.0 == fill.client_order_id {
            self.sent.1
        } else {
            let record = self.exchange.order(self.account, &fill.client_order_id);
            record.map(|record| record.request.strategy).unwrap_or_default()
        };
        let booked = self.exposure.fill(&Execution {
            client_order_id: fill.client_order_id,
            strategy,
            symbol: fill.symbol,
            side: fill.side,
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
        });
        if fill.realised != Money::ZERO {
            let cost = self.exposure.cost(&fill.symbol, fill.price, fill.quantity);
            self.gate.note_trade(strategy, fill.realised.minus(fill.fee).unwrap_or(fill.realised), cost);
        }
        self.report_fill(&fill.client_order_id, fill.quantity);
        self.ring.push(DeskEvent::Fill(*fill));
        booked
    }

    /// Take an order back. Never throttled; an order that waits for the throttle is taken from the queue.
    ///
    /// # Errors
    /// No such order, or one that is over.
    pub fn cancel(&mut self, client_order_id: &ClientOrderId, now: UtcNanos, reason: &str) -> Result<(), DeskError> {
        self.ring.ready();
        if !self.waiting.is_empty()
            && let Some(request) = self.waiting.take_where(|waiting| waiting.client_order_id == *client_order_id)
        {
            self.counts.cancels += 1;
            self.tell_unsent(&request, now, reason);
            return Ok(());
        }
        if let Some(throttle) = &mut self.throttle {
            throttle.admit(Operation::Cancel, now);
        }
        let mut events = std::mem::take(&mut self.scratch);
        let done = self.exchange.cancel(self.account, client_order_id, now, reason, &mut events);
        let told = self.absorb(&mut events);
        self.scratch = events;
        done?;
        self.counts.cancels += 1;
        self.gate.note_cancel(now);
        told?;
        self.settle_parents(now);
        Ok(())
    }

    /// Take every order back (of one instrument or side, or all); how many were asked to go. Orders that wait for the
    /// throttle are among them, parents end.
    ///
    /// # Errors
    /// A time before the clock, a halted venue.
    pub fn cancel_all(&mut self, filter: &CancelFilter, now: UtcNanos, reason: &str) -> Result<usize, DeskError> {
        self.ring.ready();
        let fits = |request: &OrderRequest| {
            filter.symbol.is_none_or(|symbol| symbol == request.symbol)
                && filter.side.is_none_or(|side| side == request.side)
                && !(filter.keep_reducing && request.reduce_only)
        };
        let mut count = 0;
        while let Some(request) = self.waiting.take_where(fits) {
            self.tell_unsent(&request, now, reason);
            count += 1;
        }
        self.cancel_parents(filter, now);
        let mut events = std::mem::take(&mut self.scratch);
        let done = self.exchange.cancel_all(self.account, filter, now, reason, &mut events);
        let told = self.absorb(&mut events);
        self.scratch = events;
        let asked = done?;
        for _ in 0..asked {
            self.gate.note_cancel(now);
            if let Some(throttle) = &mut self.throttle {
                throttle.admit(Operation::Cancel, now);
            }
        }
        count += asked;
        self.counts.cancels += count as u64;
        told?;
        self.settle_parents(now);
        Ok(count)
    }
}
