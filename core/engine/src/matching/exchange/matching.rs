//! Matching in a book of our own, and taking orders out of where they rest.

use super::Exchange;
use super::config::{ExchangeEvent, Execution};
use super::error::ExchangeError;
use super::fills::Fill;
use super::listing::Liquidity;
use super::orders::{Order, Place};
use crate::book::{NewOrder, Outcome, Prevention, Report, TimeInForce as BookTime, Trade};
use crate::matching;
use crate::orders::{OrderEventKind, TimeInForce};
use crate::types::Side;

/// Whether a match must go order by order while this one rests on its side.
const fn is_delicate(order: &Order) -> bool {
    order.shrinks || !order.record.request.oco_group.is_empty()
}

impl Exchange {
    /// Match an order that is prepared in its book, then let it rest or end.
    pub(super) fn match_in_book(&mut self, key: u64, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let order = self.by_key(key)?;
        let (number, side) = (order.listing, order.record.request.side);
        if order.limit.is_none() {
            self.step(key, OrderEventKind::Expire, "a market order, and the other side of the book is empty", events)?;
            return self.close_and_settle(key);
        }
        if self.listing(number)?.is_delicate(side.opposite()) {
            return self.match_order_by_order(key, events);
        }
        let new = self.new_order(key)?;
        let outcome = self.submit_to_book(number, &new, events)?;
        self.end_of_match(key, &outcome, events)
    }

    /// The order as the book takes it.
    pub(super) fn new_order(&self, key: u64) -> Result<NewOrder, ExchangeError> {
        let order = self.by_key(key)?;
        let request = &order.record.request;
        let listing = self.listing(order.listing)?;
        let rests = request.order_type.triggered().limit().is_some() && request.time_in_force.rests();
        let time_in_force = match request.time_in_force {
            TimeInForce::Fok => BookTime::FillOrKill,
            _ if rests => BookTime::Rest,
            _ => BookTime::ImmediateOrCancel,
        };
        let display = match request.display.filter(|_| rests) {
            Some(display) => Some(crate::book::Lots(listing.lots(display)?.min(order.leaves))),
            None => None,
        };
        Ok(NewOrder {
            key,
            owner: order.account,
            side: request.side,
            price: order.limit,
            quantity: crate::book::Lots(order.leaves),
            display,
            time_in_force,
            post_only: request.post_only,
            self_trade: self.config.self_trade,
        })
    }

    /// Match in the book and book the trades.
    pub(super) fn submit_to_book(
        &mut self,
        number: u32,
        new: &NewOrder,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<Outcome, ExchangeError> {
        let mut report = std::mem::take(&mut self.report);
        report.clear();
        let outcome = match &mut self.listing_mut(number)?.liquidity {
            Liquidity::Book(book) => book.submit(new, &mut report)?,
            Liquidity::Depth(_) => Outcome::default(),
        };
        let done = self.book_report(number, &report, events);
        self.report = report;
        done.map(|()| outcome)
    }

    /// Book what a command did to the book.
    pub(super) fn book_report(
        &mut self,
        number: u32,
        report: &Report,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let mut prevented = report.prevented.iter().peekable();
        for trade in &report.trades {
            while let Some(prevention) = prevented.next_if(|prevention| prevention.after_trade < trade.trade_id) {
                self.book_prevention(prevention, events)?;
            }
            self.book_trade(number, trade, events)?;
        }
        for prevention in prevented {
            self.book_prevention(prevention, events)?;
        }
        if self.config.record_changes {
            self.listing_mut(number)?.changes.extend_from_slice(&report.changes);
        }
        Ok(())
    }

    #[inline]
    fn book_trade(&mut self, number: u32, trade: &Trade, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let Trade { trade_id, maker, taker, price, quantity, .. } = *trade;
        let of = |key, liquidity| {
            let execution = Execution { trade: trade_id, liquidity };
            Fill { key, price, quantity, execution }
        };
        if self.fill(&of(maker, matching::Liquidity::Maker), events)? {
            self.leave_rest(maker)?;
            self.close_and_settle(maker)?;
        }
        self.fill(&of(taker, matching::Liquidity::Taker), events)?;
        let listing = self.listing_mut(number)?;
        listing.trades = trade_id;
        let price = listing.price(price)?;
        self.tell_price(number, price);
        Ok(())
    }

    /// Self-trade prevention took quantity from a resting order (the incoming one is told at the end of its match).
    #[cold]
    fn book_prevention(
        &mut self,
        prevention: &Prevention,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let order = self.by_key_mut(prevention.key)?;
        if order.place != Place::Resting {
            return Ok(());
        }
        order.leaves = prevention.leaves.0;
        self.told_prevented(prevention.key, events)
    }

    /// An order lost quantity to self-trade prevention: it is smaller now, or over.
    pub(super) fn told_prevented(&mut self, key: u64, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        if self.by_key(key)?.leaves > 0 {
            self.resize_record(key)?;
            self.fit_reservation(key)?;
            return self.step(key, OrderEventKind::Amend, "made smaller: it met an order of its own account", events);
        }
        self.leave_rest(key)?;
        self.step(key, OrderEventKind::Cancel, "it met an order of its own account", events)?;
        self.close_and_settle(key)
    }

    /// The incoming order rests, or is over.
    pub(super) fn end_of_match(
        &mut self,
        key: u64,
        outcome: &Outcome,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let order = self.by_key_mut(key)?;
        if outcome.prevented.0 > 0 {
            order.leaves -= outcome.prevented.0;
            if order.leaves == 0 {
                return self.told_prevented(key, events);
            }
            self.resize_record(key)?;
            self.fit_reservation(key)?;
            self.step(key, OrderEventKind::Amend, "made smaller: it met an order of its own account", events)?;
        }
        if outcome.resting.0 > 0 {
            return self.enter_rest(key);
        }
        if self.by_key(key)?.leaves > 0 {
            let reason = match self.by_key(key)?.record.request.time_in_force {
                TimeInForce::Fok => "fill or kill, and not all of it could be filled",
                _ => "immediate, and no more is offered within its limit",
            };
            self.step(key, OrderEventKind::Expire, reason, events)?;
        }
        self.close_and_settle(key)
    }

    /// It rests in the book or in the queue of a replica.
    pub(super) fn enter_rest(&mut self, key: u64) -> Result<(), ExchangeError> {
        let order = self.by_key_mut(key)?;
        order.place = Place::Resting;
        if is_delicate(order) {
            let (number, side) = (order.listing, order.record.request.side);
            self.listing_mut(number)?.count_delicate(side, true);
        }
        Ok(())
    }

    /// It no longer rests.
    #[inline]
    pub(super) fn leave_rest(&mut self, key: u64) -> Result<(), ExchangeError> {
        let order = self.by_key_mut(key)?;
        if order.place != Place::Resting {
            return Ok(());
        }
        order.place = Place::Matching;
        if is_delicate(order) {
            let (number, side) = (order.listing, order.record.request.side);
            self.listing_mut(number)?.count_delicate(side, false);
        }
        Ok(())
    }

    /// Take an open order out of wherever it waits; it stays open.
    pub(super) fn withdraw(&mut self, key: u64) -> Result<(), ExchangeError> {
        let order = self.by_key(key)?;
        let (number, place) = (order.listing, order.place);
        let (side, limit): (Side, _) = (order.record.request.side, order.limit);
        if place == Place::Resting {
            let mut report = std::mem::take(&mut self.report);
            report.clear();
            let record = self.config.record_changes;
            let listing = self.listing_mut(number)?;
            match &mut listing.liquidity {
                Liquidity::Book(book) => {
                    book.cancel(key, &mut report)?;
                }
                Liquidity::Depth(replica) => replica.leave(side, limit, key),
            }
            if record {
                listing.changes.extend_from_slice(&report.changes);
            }
            self.report = report;
        }
        self.leave_rest(key)
    }
}
