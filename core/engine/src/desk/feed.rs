//! Market data into the desk: the venue's liquidity, the gate's prices, the account's marks, the parents' volume.

use super::engine::{DeskError, ExecutionDesk};
use super::events::DeskEvent;
use crate::matching::exchange::{DepthUpdate, LiquidityKind, MarketTrade};
use crate::orders::{OrderRequest, OrderState, OrderType};
use crate::risk::{Quote, TopOfBook};
use crate::types::{ClientOrderId, Price, Quantity, Side, SourceId, Symbol, UtcNanos};

/// A price and how much there is.
pub type Level = (Price, Quantity);

impl ExecutionDesk {
    /// What the market shows of an instrument now, best first; all of it replaces what was shown before.
    ///
    /// In a book of our own these are orders of the desk's counterparty: they trade with what rests, and orders that
    /// come trade with them. In a replica they are somebody's levels: orders fill on data that comes after them.
    ///
    /// # Errors
    /// Not listed, crossed, off the steps, older than the last; nothing was changed but the clock.
    pub fn quote(&mut self, symbol: &Symbol, bids: &[Level], asks: &[Level], now: UtcNanos) -> Result<(), DeskError> {
        let slot = self.slot(symbol)?;
        let bad = |problem| Err(DeskError::BadQuote { symbol: *symbol, problem });
        let Some(listed) = self.listed.get(slot) else { return Ok(()) };
        for (price, quantity) in bids.iter().chain(asks) {
            listed.instrument.check_price("quoted price", *price)?;
            listed.instrument.check_quantity(*quantity)?;
        }
        let falls = |levels: &[Level]| levels.is_sorted_by(|one, next| one.0 > next.0);
        let rises = |levels: &[Level]| levels.is_sorted_by(|one, next| one.0 < next.0);
        if !falls(bids) || !rises(asks) {
            return bad("levels must be best first, each price once");
        }
        let (bid, ask) = (bids.first().map(|level| level.0), asks.first().map(|level| level.0));
        if let (Some(bid), Some(ask)) = (bid, ask)
            && bid >= ask
        {
            return bad("the bid is not below the ask; a crossed quote is no market");
        }
        if self.market_time(slot).is_some_and(|last| now < last) {
            return bad("the quote is older than the last one");
        }
        self.ring.ready();
        let shown = match self.liquidity {
            LiquidityKind::Book => self.quote_book(slot, bids, asks, now),
            LiquidityKind::Depth => {
                let update = DepthUpdate { symbol: *symbol, ts_event: now, snapshot: true, bids, asks };
                let mut events = std::mem::take(&mut self.scratch);
                let done = self.exchange.on_depth(&update, &mut events);
                let told = self.absorb(&mut events);
                self.scratch = events;
                done.map_err(DeskError::from).and(told)
            }
        };
        let price = match (bid, ask) {
            (Some(bid), Some(ask)) => Some(Price::from_raw(bid.raw() + (ask.raw() - bid.raw()) / 2)),
            (one, other) => one.or(other),
        };
        if let (Some(listed), Some(price)) = (self.listed.get_mut(slot), price) {
            listed.market.quote = Some(Quote { price, ts_event: now });
            listed.market.book = bid.zip(ask).map(|(bid, ask)| TopOfBook { bid, ask, ts_event: now });
            self.mark(symbol, price, now)?;
        }
        shown?;
        self.settle_parents(now);
        Ok(())
    }

    /// When the market of an instrument was last told.
    fn market_time(&self, slot: usize) -> Option<UtcNanos> {
        self.listed.get(slot).and_then(|listed| listed.market.quote).map(|quote| quote.ts_event)
    }

    /// The counterparty takes its quotes back and gives new ones, so that the new ones can reach what rests.
    fn quote_book(&mut self, slot: usize, bids: &[Level], asks: &[Level], now: UtcNanos) -> Result<(), DeskError> {
        let Some(listed) = self.listed.get_mut(slot) else { return Ok(()) };
        let (symbol, old) = (listed.instrument.symbol, std::mem::take(&mut listed.quotes));
        let mut events = std::mem::take(&mut self.scratch);
        let mut done = Ok(());
        for id in &old {
            let open = self.exchange.order(self.counterparty.account(), id).is_some_and(|order| order.state.is_open());
            if open {
                let gone = self.exchange.cancel(self.counterparty.account(), id, now, "", &mut events);
                done = done.and(gone.map_err(DeskError::from));
            }
        }
        let mut fresh = old;
        fresh.clear();
        let levels = bids.iter().map(|level| (Side::Buy, level)).chain(asks.iter().map(|level| (Side::Sell, level)));
        for (side, (price, quantity)) in levels {
            self.quote_number += 1;
            let id = ClientOrderId::parse(&format!("quote-{}", self.quote_number)).unwrap_or_default();
            let kind = OrderType::Limit(*price);
            let order = OrderRequest::new(id, SourceId::EMPTY, symbol, side, *quantity, kind, *price);
            let sent = self.exchange.submit_counterparty(self.counterparty, order, now, &mut events);
            match sent {
                Ok(state) if state.is_open() => fresh.push(id),
                Ok(OrderState::Rejected) => {
                    let problem = "the venue rejected the counterparty's quote; a smaller size may do";
                    done = done.and(Err(DeskError::BadQuote { symbol, problem }));
                }
                Ok(_) => {}
                Err(error) => done = done.and(Err(error.into())),
            }
        }
        if let Some(listed) = self.listed.get_mut(slot) {
            listed.quotes = fresh;
        }
        let told = self.absorb(&mut events);
        self.scratch = events;
        done.and(told)
    }

    /// Somebody's trade: volume for POV parents, and in a replica the only thing that fills what rests.
    ///
    /// # Errors
    /// Not listed, off the steps, older than the last.
    pub fn trade(&mut self, trade: &MarketTrade) -> Result<(), DeskError> {
        let slot = self.slot(&trade.symbol)?;
        let Some(listed) = self.listed.get_mut(slot) else { return Ok(()) };
        listed.instrument.check_price("traded price", trade.price)?;
        listed.instrument.check_quantity(trade.quantity)?;
        self.ring.ready();
        let volume = listed.volume.raw().saturating_add(trade.quantity.raw());
        if self.liquidity == LiquidityKind::Depth {
            let mut events = std::mem::take(&mut self.scratch);
            let done = self.exchange.on_trade(trade, &mut events);
            let told = self.absorb(&mut events);
            self.scratch = events;
            done?;
            told?;
        }
        if let Some(listed) = self.listed.get_mut(slot) {
            listed.volume = Quantity::from_raw(volume);
            let now = trade.ts_event;
            if listed.market.quote.is_none_or(|quote| quote.ts_event <= now) {
                listed.market.quote = Some(Quote { price: trade.price, ts_event: now });
                self.mark(&trade.symbol, trade.price, now)?;
            }
            self.settle_parents(now);
        }
        Ok(())
    }

    /// A new price: account, gate and loss limits follow; a breach moves the account's state, which is an event.
    fn mark(&mut self, symbol: &Symbol, price: Price, now: UtcNanos) -> Result<(), DeskError> {
        self.exposure.mark(symbol, price)?;
        self.exchange.portfolio_mut(self.account)?.mark(symbol, price);
        for event in self.gate.mark(now, self.exposure.totals().equity) {
            self.ring.push(DeskEvent::Risk(Box::new(event)));
        }
        Ok(())
    }

    /// Time goes on: orders expire, those that wait for the throttle leave, parents send what is due.
    ///
    /// # Errors
    /// A time before the clock, a halted venue.
    pub fn advance(&mut self, now: UtcNanos) -> Result<(), DeskError> {
        self.ring.ready();
        let mut events = std::mem::take(&mut self.scratch);
        let done = self.exchange.advance(now, &mut events);
        let told = self.absorb(&mut events);
        self.scratch = events;
        done?;
        told?;
        self.release_waiting(now);
        self.advance_parents(now);
        Ok(())
    }
}
