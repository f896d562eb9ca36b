//! What follows from a trade or an end: cancels first, then protective orders, then triggers.

use super::Exchange;
use super::config::{ExchangeEvent, TriggerSource};
use super::error::ExchangeError;
use super::orders::Place;
use crate::matching::{Leg, LegAction, VenueEvent};
use crate::orders::{OrderEventKind, OrderRequest, OrderState, OrderType, TimeInForce};
use crate::portfolio::PositionSide;
use crate::types::{ClientOrderId, Price, Quantity};

/// What must happen before anything else trades.
#[derive(Clone, Copy, Debug)]
pub(super) enum Urgent {
    /// Take an order back, and why.
    Cancel(u64, &'static str),
    /// A position changed: what may only shrink it follows.
    Shrink(u32, u32),
}

/// What happens once the match is over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Later {
    /// Stop and target follow the position.
    Protect(u32, u32, PositionSide),
    /// A price traded.
    Price(u32, Price),
}

impl Exchange {
    /// Do everything that is due, until nothing is.
    #[inline]
    pub(super) fn cascade(&mut self, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        loop {
            self.cascade_urgent(events)?;
            if self.later.is_empty() {
                return Ok(());
            }
            // Protective orders before triggers.
            let place = self.later.iter().position(|later| matches!(later, Later::Protect(..))).unwrap_or(0);
            match self.later.remove(place) {
                Some(Later::Protect(account, listing, leg)) => self.protect(account, listing, leg, events)?,
                Some(Later::Price(listing, price)) => self.reach(listing, price, price, events)?,
                None => {}
            }
        }
    }

    #[inline]
    pub(super) fn cascade_urgent(&mut self, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        while let Some(urgent) = self.urgent.pop_front() {
            match urgent {
                Urgent::Cancel(key, reason) => self.cancel_now(key, reason, events)?,
                Urgent::Shrink(account, listing) => self.shrink(account, listing, events)?,
            }
        }
        Ok(())
    }

    /// Take an open order back; a closed one stays as it is.
    pub(super) fn cancel_now(
        &mut self,
        key: u64,
        reason: &str,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        if self.orders.get(key).is_none_or(|order| order.place == Place::Closed) {
            return Ok(());
        }
        self.withdraw(key)?;
        self.step(key, OrderEventKind::Cancel, reason, events)?;
        self.close_and_settle(key)
    }

    /// Close an order and let its bracket know.
    pub(super) fn close_and_settle(&mut self, key: u64) -> Result<(), ExchangeError> {
        self.close(key)?;
        let Some(order) = self.orders.get(key).filter(|order| order.record.protective) else { return Ok(()) };
        let (number, listing, leg) = (order.account, order.listing, order.record.request.position_side);
        // The rest of a stop that woke and found too little is asked for again; what ended otherwise was meant to end.
        let again = matches!(order.record.state, OrderState::Expired { .. } | OrderState::Filled { .. });
        if let Some(protection) = self.account_mut(number)?.protection.get_mut(&(listing, leg)) {
            let bracket = &mut protection.bracket;
            let (mut stop, mut target) = bracket.levels();
            if !again && bracket.order(Leg::StopLoss) == Some(key) {
                stop = None;
            }
            if !again && bracket.order(Leg::TakeProfit) == Some(key) {
                target = None;
            }
            bracket.set(stop, target);
            bracket.gone(key);
            self.later.push_back(Later::Protect(number, listing, leg));
        }
        Ok(())
    }

    /// Of its OCO group, and of stop and target, this order comes first: the others are to go.
    pub(super) fn goes_first(&mut self, key: u64) -> Result<(), ExchangeError> {
        let order = self.by_key(key)?;
        let (number, listing, group) = (order.account, order.listing, order.record.request.oco_group);
        let (protective, leg) = (order.record.protective, order.record.request.position_side);
        let most = self.config.remembered;
        if !group.is_empty() {
            let account = self.account_mut(number)?;
            account.done_groups.insert(group, most);
            for other in account.groups.traded(&group, key) {
                self.urgent.push_back(Urgent::Cancel(other, "another order of its OCO group came first"));
            }
        }
        if protective && let Some(protection) = self.account_mut(number)?.protection.get_mut(&(listing, leg)) {
            let bracket = &mut protection.bracket;
            let other = if bracket.order(Leg::StopLoss) == Some(key) { Leg::TakeProfit } else { Leg::StopLoss };
            if let Some(other) = bracket.order(other) {
                bracket.gone(other);
                self.urgent.push_back(Urgent::Cancel(other, "the position's other protective order came first"));
            }
        }
        Ok(())
    }

    /// What may only shrink a position becomes no larger than it.
    fn shrink(&mut self, number: u32, listing: u32, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let mut next = 0;
        while let Some(key) = self.account(number)?.shrinking.get(next).copied() {
            next += 1;
            let Some(order) = self.orders.get(key).filter(|order| order.listing == listing) else { continue };
            let in_place = matches!(order.place, Place::Resting | Place::Asleep | Place::Waiting);
            // A bracket sizes its own orders, up as well as down, but a flat position waits for nobody.
            let request = &order.record.request;
            let (leg, side) = (request.position_side, request.side);
            let account = self.account(number)?;
            let index = account.index(listing)?;
            let most = account.closable(index, leg, side, super::admission::reduces(request));
            let Some(most) = most.filter(|_| in_place).map(|most| most / self.lot_of(listing)) else { continue };
            let leaves = order.leaves;
            if most == 0 {
                self.cancel_now(key, "nothing left to reduce", events)?;
                // The list moved up.
                next -= 1;
            } else if most < leaves {
                self.reduce_to(key, most)?;
                self.step(key, OrderEventKind::Amend, "made smaller with the position", events)?;
            }
        }
        Ok(())
    }

    fn lot_of(&self, listing: u32) -> i64 {
        self.listing(listing).map_or(1, |listing| listing.lot.raw().max(1))
    }

    /// Stop and target follow the position.
    fn protect(
        &mut self,
        number: u32,
        listing: u32,
        leg: PositionSide,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let account = self.account_mut(number)?;
        let index = account.index(listing)?;
        let held = account.portfolio.leg(index, leg).map(|position| position.quantity).unwrap_or_default();
        let Some(protection) = account.protection.get_mut(&(listing, leg)) else { return Ok(()) };
        for action in protection.bracket.follow(held) {
            match action {
                LegAction::Cancel { key, .. } => self.cancel_now(key, "its position or level is gone", events)?,
                LegAction::Resize { key, quantity, .. } => self.resize_protective(key, quantity, events)?,
                LegAction::Place { leg: which, side, quantity, price } => {
                    let Some((opener, id)) = self.protective_id(number, listing, leg, which) else { continue };
                    let order_type = match which {
                        Leg::StopLoss => OrderType::Stop(price),
                        Leg::TakeProfit => OrderType::Limit(price),
                    };
                    let request = OrderRequest {
                        client_order_id: id,
                        side,
                        quantity,
                        order_type,
                        time_in_force: TimeInForce::Gtc,
                        post_only: false,
                        reduce_only: true,
                        display: None,
                        stop_loss: None,
                        take_profit: None,
                        oco_group: ClientOrderId::EMPTY,
                        ..opener
                    };
                    self.attach(number, listing, (leg, which), &request, events)?;
                }
            }
        }
        Ok(())
    }

    /// The order that a protective one is made after, and a new id for it.
    fn protective_id(
        &mut self,
        number: u32,
        listing: u32,
        leg: PositionSide,
        which: Leg,
    ) -> Option<(OrderRequest, ClientOrderId)> {
        let orders = &self.orders;
        let protection = self.accounts.get_mut(number as usize)?.protection.get_mut(&(listing, leg))?;
        let opener = protection.opener?;
        loop {
            // A user may have taken the name.
            protection.made += 1;
            let id = opener.client_order_id.child(format_args!("{}{}", which.as_str(), protection.made)).ok()?;
            if orders.find(number, &id).is_none() {
                return Some((opener, id));
            }
        }
    }

    fn attach(
        &mut self,
        number: u32,
        listing: u32,
        (leg, which): (PositionSide, Leg),
        request: &OrderRequest,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let key = self.enter(number, listing, request, true)?;
        if let Some(protection) = self.account_mut(number)?.protection.get_mut(&(listing, leg)) {
            let price = request.order_type.price().unwrap_or_default();
            protection.bracket.placed(which, key, request.side, price, request.quantity);
        }
        let account = super::config::AccountId(number);
        events.push(ExchangeEvent { account, execution: None, event: VenueEvent::Attached(Box::new(*request)) });
        self.arrive(key, false, events)
    }

    fn resize_protective(
        &mut self,
        key: u64,
        quantity: Quantity,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let Some(order) = self.orders.get(key).filter(|order| order.place != Place::Closed) else { return Ok(()) };
        let (leaves, asked) = (order.leaves, self.listing(order.listing)?.lots(quantity)?);
        match asked.cmp(&leaves) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Less => self.reduce_to(key, asked)?,
            std::cmp::Ordering::Greater => {
                if let Err(error) = self.enlarge(key, asked) {
                    return self.cancel_now(key, &error.to_string(), events);
                }
            }
        }
        self.step(key, OrderEventKind::Amend, "follows the size of the position", events)
    }

    /// The market was between two prices: what that reaches wakes.
    pub(super) fn reach(
        &mut self,
        listing: u32,
        low: Price,
        high: Price,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let mut fired = std::mem::take(&mut self.fired);
        fired.clear();
        let triggers = &mut self.listing_mut(listing)?.triggers;
        triggers.follow(low, high);
        triggers.reach(low, high, &mut fired);
        for found in &fired {
            // One that an earlier one of this price has cancelled is gone.
            if self.orders.get(found.key).is_some_and(|order| order.place == Place::Asleep) {
                self.wake(found.key, events)?;
            }
        }
        self.fired = fired;
        Ok(())
    }

    /// Trades wake conditional orders, if they are what wakes them.
    #[inline]
    pub(super) fn tell_price(&mut self, listing: u32, price: Price) {
        let wakes = self.config.trigger_source == TriggerSource::LastTrade;
        if let Some(found) = self.listings.get_mut(listing as usize) {
            found.last_trade = Some(price);
            if wakes && !found.triggers.is_empty() {
                self.later.push_back(Later::Price(listing, price));
            }
        }
    }
}
