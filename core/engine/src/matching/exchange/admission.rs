//! What happens to an order when it arrives or wakes: checks, size, limit, what it holds back; then it works.

use std::fmt;

use super::Exchange;
use super::config::ExchangeEvent;
use super::error::ExchangeError;
use super::listing::{Liquidity, Listing};
use super::orders::{Order, Place};
use super::time::expiry;
use crate::book::Ticks;
use crate::orders::{OrderEventKind, OrderRequest, OrderType, PositionSide};
use crate::portfolio::{AccountKind, Need, PortfolioError};
use crate::types::{AmountError, Price, Quantity, Ratio, Side};

/// Why an order is refused.
pub(super) enum Refusal {
    Error(Box<ExchangeError>),
    Why(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(formatter),
            Self::Why(why) => formatter.write_str(why),
        }
    }
}

impl<E: Into<ExchangeError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

/// Longest id of an order with a bracket: its legs are called `<id>-SL1234567`.
const LONGEST_OPENER: usize = 26;

/// Whether the order can only shrink a position (a T+1 sale can also be a plain short sale).
pub(super) const fn reduces(request: &OrderRequest) -> bool {
    request.reduce_only
        || matches!(
            (request.position_side, request.side),
            (PositionSide::Long, Side::Sell) | (PositionSide::Short, Side::Buy)
        )
}

impl Listing {
    /// The limit of a market order, and the price it is reckoned at; none where there is no price at all.
    fn market_limit(&self, request: &OrderRequest, bound: Ratio) -> Option<(Price, Price)> {
        let buys = request.side.is_buy();
        let known = self.best_price(request.side.opposite());
        let from = match self.liquidity {
            Liquidity::Book(_) => known?,
            Liquidity::Depth(_) => known.or(self.last_trade).unwrap_or(request.reference_price),
        };
        let shift = if buys { bound } else { Ratio::from_raw(-bound.raw()) };
        let limit = from.shifted(shift, self.instrument.tick_size, !buys).unwrap_or(from);
        Some((limit, if buys { limit } else { from }))
    }
}

impl Exchange {
    /// An order arrives: it is accepted and works or sleeps, or it is rejected. `valid` where its request was validated at
    /// this instant against the instrument as it is listed.
    pub(super) fn arrive(
        &mut self,
        key: u64,
        valid: bool,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let now = self.now;
        let order = self.by_key_mut(key)?;
        order.record.ts_accepted = now;
        order.record.eligible_from = now;
        order.live_since = now;
        let request = &order.record.request;
        let (conditional, time_in_force) = (request.order_type.is_conditional(), request.time_in_force);
        let (oco_group, liquidates) = (request.oco_group, order.liquidates);
        if let Err(refusal) = self.check_request(key, valid) {
            return self.reject(key, &refusal.to_string(), events);
        }
        let prepared = if conditional { self.fall_asleep(key).map(|()| false) } else { self.prepare(key) };
        match prepared {
            Err(refusal) => self.reject(key, &refusal.to_string(), events),
            Ok(clipped) => {
                if let Some(at) = expiry(time_in_force, now) {
                    self.schedule(at, key);
                }
                let reason = if liquidates { "liquidation: equity is below the maintenance margin" } else { "" };
                self.step(key, OrderEventKind::Accept, reason, events)?;
                if !oco_group.is_empty() {
                    let account = self.by_key(key)?.account;
                    self.account_mut(account)?.groups.join(oco_group, key);
                }
                if conditional {
                    return Ok(());
                }
                self.work(key, clipped, events)
            }
        }
    }

    /// A trigger was reached.
    pub(super) fn wake(&mut self, key: u64, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let now = self.now;
        let order = self.by_key_mut(key)?;
        order.place = Place::Matching;
        order.live_since = now;
        order.record.triggered = true;
        order.record.eligible_from = now;
        self.step(key, OrderEventKind::Trigger, "", events)?;
        self.goes_first(key)?;
        self.cascade_urgent(events)?;
        match self.prepare(key) {
            Err(refusal) => {
                self.step(key, OrderEventKind::Cancel, &refusal.to_string(), events)?;
                self.close_and_settle(key)
            }
            Ok(clipped) => self.work(key, clipped, events),
        }
    }

    fn reject(&mut self, key: u64, reason: &str, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        self.step(key, OrderEventKind::Reject, reason, events)?;
        self.close_and_settle(key)
    }

    /// What is wrong with an order whatever the market does.
    fn check_request(&self, key: u64, valid: bool) -> Result<(), Refusal> {
        let order = self.by_key(key)?;
        let (listing, account) = (self.listing(order.listing)?, self.account(order.account)?);
        let request = &order.record.request;
        let index = account.index(order.listing)?;
        if !valid {
            let instrument = &listing.instrument;
            let (leg, side) = (request.position_side, request.side);
            let held = account.portfolio.leg(index, leg).map(|position| position.quantity).unwrap_or_default();
            let odd = instrument.odd_lot_exit
                && !request.quantity.on_lot(instrument.lot_size)
                && instrument.check_order_quantity(side, request.quantity, held).is_ok();
            if odd || order.record.protective || order.liquidates {
                // The exit of an odd lot as a whole, and our own orders, are as large as the position.
                let sized = OrderRequest { quantity: instrument.lot_size, display: None, ..*request };
                sized.validate(instrument, self.now)?;
            } else {
                request.validate(instrument, self.now)?;
            }
        }
        if !request.oco_group.is_empty() && account.done_groups.contains(&request.oco_group) {
            return Err(Refusal::Why("another order of its OCO group has traded"));
        }
        let bracket = request.stop_loss.is_some() || request.take_profit.is_some();
        if bracket && request.client_order_id.len() > LONGEST_OPENER {
            return Err(Refusal::Why("the id of an order with a stop loss or take profit has at most 26 characters"));
        }
        if listing.instrument.kind.exchanges_notional() && account.portfolio.terms().kind == AccountKind::Spot {
            return Ok(());
        }
        // The leg must exist in the account's mode, also for orders that hold nothing back.
        let hedging = account.portfolio.terms().position_mode == crate::portfolio::PositionMode::Hedging;
        if hedging == (request.position_side == PositionSide::Net) {
            return Err(Refusal::Why(
                "the account has no such position side; net is for netting, long and short hedge",
            ));
        }
        Ok(())
    }

    /// Wait for a trigger.
    fn fall_asleep(&mut self, key: u64) -> Result<(), Refusal> {
        let order = self.by_key(key)?;
        let (number, request) = (order.listing, order.record.request);
        let listing = self.listing_mut(number)?;
        let best = listing.last_trade.or(listing.mark).unwrap_or(request.reference_price);
        listing.triggers.insert(key, &request.order_type, request.side, best).map_err(ExchangeError::from)?;
        let leaves = listing.lots(request.quantity)?;
        let order = self.by_key_mut(key)?;
        order.place = Place::Asleep;
        order.leaves = leaves;
        Ok(())
    }

    /// Work out size and limit and hold back what the order needs, all or nothing. Whether it had to be made smaller.
    pub(super) fn prepare(&mut self, key: u64) -> Result<bool, Refusal> {
        let now = self.now;
        let order = self.orders.get_mut(key).ok_or(Refusal::Why("the order was lost"))?;
        let (number, listing_number) = (order.account, order.listing);
        let listing = self.listings.get(listing_number as usize).ok_or(Refusal::Why("the listing was lost"))?;
        let account = self.accounts.get_mut(number as usize).ok_or(Refusal::Why("the account was lost"))?;
        let request = &order.record.request;
        let (side, leg) = (request.side, request.position_side);
        let index = account.index(listing_number)?;
        let mut leaves = listing.lots(request.quantity)?;
        let mut clipped = false;
        if order.shrinks
            && let Some(most) = account.closable(index, leg, side, reduces(request))
        {
            let most = most / listing.lot.raw().max(1);
            if most == 0 {
                return Err(Refusal::Why("nothing left to reduce"));
            }
            clipped = most < leaves;
            leaves = leaves.min(most);
        }
        let priced = match request.order_type.triggered() {
            OrderType::Limit(limit) => Some((limit, limit)),
            _ => listing.market_limit(request, self.config.market_bound),
        };
        let Some((limit, worst)) = priced else {
            (order.leaves, order.limit) = (leaves, None);
            return Ok(clipped);
        };
        let limit = Ticks::from_price(limit, listing.instrument.tick_size)?;
        if request.post_only && listing.crosses(side, limit) && matches!(listing.liquidity, Liquidity::Book(_)) {
            return Err(Refusal::Why("post-only, and it would take at once; move it away from the market"));
        }
        let spot = account.portfolio.terms().kind == AccountKind::Spot;
        if spot || !reduces(request) {
            let quantity = listing.quantity(leaves)?;
            let fee_rate = account.fee_share(worst, listing.units(quantity)?, now)?;
            let need = Need { instrument: index, side, leg, quantity, price: worst, fee_rate };
            order.reservation = Some(account.portfolio.reserve(&need)?);
        }
        (order.leaves, order.limit) = (leaves, Some(limit));
        Ok(clipped)
    }

    /// The order trades, or waits where it has to.
    fn work(&mut self, key: u64, clipped: bool, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        if clipped {
            self.resize_record(key)?;
            self.step(key, OrderEventKind::Amend, "made smaller to what the position can be reduced by", events)?;
        }
        let order = self.by_key_mut(key)?;
        order.place = Place::Matching;
        let number = order.listing;
        if matches!(self.listing(number)?.liquidity, Liquidity::Book(_)) {
            return self.match_in_book(key, events);
        }
        self.wait_for_data(key)
    }

    /// Price an order is at, for what it holds back after a change.
    pub(super) fn need_of(
        &self,
        order: &Order,
        limit: Price,
        quantity: Quantity,
    ) -> Result<Option<Need>, ExchangeError> {
        let (account, listing) = (self.account(order.account)?, self.listing(order.listing)?);
        let request = &order.record.request;
        if order.reservation.is_none() {
            return Ok(None);
        }
        let fee_rate = account.fee_share(limit, listing.units(quantity)?, self.now)?;
        let (side, leg) = (request.side, request.position_side);
        let instrument = account.index(order.listing).map_err(|error: PortfolioError| ExchangeError::from(error))?;
        Ok(Some(Need { instrument, side, leg, quantity, price: limit, fee_rate }))
    }
}

impl Listing {
    /// Whether an order of this side and limit would trade at once.
    pub(super) fn crosses(&self, side: Side, limit: Ticks) -> bool {
        self.best(side.opposite()).is_some_and(|best| if side.is_buy() { best <= limit } else { best >= limit })
    }

    /// As the instrument checks it.
    pub(super) fn check_price(&self, what: &'static str, price: Price) -> Result<(), AmountError> {
        self.instrument.check_price(what, price)
    }
}
