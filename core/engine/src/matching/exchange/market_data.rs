//! Market data of a replica: levels, quotes and trades come in, our orders meet them.

use super::Exchange;
use super::config::{DepthUpdate, ExchangeEvent, Execution, MarketTrade, TopOfBook, TriggerSource};
use super::error::ExchangeError;
use super::fills::Fill;
use super::listing::{Liquidity, Listing, Queue, check_order_of_data};
use super::orders::Place;
use super::replica::Replica;
use crate::book::{LevelChange, Lots, QueuePosition, Ticks};
use crate::matching;
use crate::orders::{OrderEventKind, TimeInForce};
use crate::types::{AmountError, Price, Quantity, Side, UtcNanos};

/// Levels in ticks and lots.
type Levels = Vec<(Side, Ticks, Lots)>;

impl Exchange {
    /// Price levels of a market.
    ///
    /// # Errors
    /// Not listed, a book of our own, data older than the last, a price off the tick, a negative quantity.
    pub fn on_depth(&mut self, update: &DepthUpdate<'_>, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let number = self.check_data(&update.symbol, update.ts_event)?;
        let mut levels = Levels::with_capacity(update.bids.len() + update.asks.len());
        let listing = self.listing(number)?;
        for (side, given) in [(Side::Buy, update.bids), (Side::Sell, update.asks)] {
            for level in given {
                levels.push(listing.level(side, *level)?);
            }
        }
        let done = self.take_levels(number, update.ts_event, &levels, update.snapshot, false, events);
        self.halt(done)
    }

    /// The best prices of a market of which no more is known. An order that rests behind them learns its place in the
    /// queue when its price becomes the best.
    ///
    /// # Errors
    /// As [`Self::on_depth`].
    pub fn on_quote(&mut self, quote: &TopOfBook, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let number = self.check_data(&quote.symbol, quote.ts_event)?;
        let mut levels = Levels::with_capacity(2);
        let listing = self.listing(number)?;
        for (side, given) in [(Side::Buy, quote.bid), (Side::Sell, quote.ask)] {
            if let Some(level) = given {
                levels.push(listing.level(side, level)?);
            }
        }
        let done = self.take_levels(number, quote.ts_event, &levels, true, true, events);
        self.halt(done)
    }

    /// Somebody's trade: it fills what rests before it in the queue, and wakes what it reaches.
    ///
    /// # Errors
    /// As [`Self::on_depth`].
    pub fn on_trade(&mut self, trade: &MarketTrade, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        let number = self.check_data(&trade.symbol, trade.ts_event)?;
        let side = trade.taker_side.opposite();
        let (_, price, quantity) = self.listing(number)?.level(side, (trade.price, trade.quantity))?;
        let done = self.take_trade(number, trade.ts_event, (side, price, quantity), trade.price, events);
        self.halt(done)
    }

    /// Everything that can be wrong with data before its content.
    fn check_data(&self, symbol: &crate::types::Symbol, ts_event: UtcNanos) -> Result<u32, ExchangeError> {
        self.check_running()?;
        let number = self.listing_number(symbol)?;
        match &self.listing(number)?.liquidity {
            Liquidity::Depth(replica) => check_order_of_data(ts_event, replica.last_event)?,
            Liquidity::Book(_) => {
                let way_out = "list it with `LiquidityKind::Depth` to feed it with market data";
                return Err(ExchangeError::WrongLiquidity { symbol: *symbol, liquidity: "a book of our own", way_out });
            }
        }
        Ok(number)
    }

    fn replica(&mut self, number: u32) -> Result<&mut Replica, ExchangeError> {
        let listing = self.listing_mut(number)?;
        let symbol = listing.instrument.symbol;
        match &mut listing.liquidity {
            Liquidity::Depth(replica) => Ok(replica),
            Liquidity::Book(_) => {
                let (liquidity, way_out) = ("a book of our own", "it has no market data");
                Err(ExchangeError::WrongLiquidity { symbol, liquidity, way_out })
            }
        }
    }

    fn take_levels(
        &mut self,
        number: u32,
        at: UtcNanos,
        levels: &Levels,
        snapshot: bool,
        top_only: bool,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        self.pass_time(at, events)?;
        let before = self.shown_at_orders(number)?;
        let replica = self.replica(number)?;
        if snapshot {
            let of = |side| {
                let of_side = levels.iter().filter(move |(of, ..)| *of == side);
                of_side.map(|(_, price, quantity)| (*price, *quantity)).collect::<Vec<_>>()
            };
            replica.updates += 1;
            replica.depth.snapshot(replica.updates, &of(Side::Buy), &of(Side::Sell))?;
            replica.all_shown_anew();
        } else {
            for (side, price, quantity) in levels {
                replica.updates += 1;
                let update_id = replica.updates;
                replica.depth.apply(&LevelChange {
                    update_id,
                    side: *side,
                    price: *price,
                    quantity: *quantity,
                    orders: 0,
                })?;
                replica.shown_anew(*side, *price);
            }
        }
        (replica.levels_at, replica.last_event, replica.top_only) = (at, at, top_only);
        self.follow_levels(number, &before)?;
        self.meet_levels(number, at, events)?;
        if self.config.trigger_source == TriggerSource::BestQuote {
            let listing = self.listing(number)?;
            let (bid, ask) = (listing.best_price(Side::Buy), listing.best_price(Side::Sell));
            if let (Some(low), Some(high)) = (bid, ask).or_each_other() {
                self.reach(number, low, high, events)?;
            }
        }
        self.cascade(events)
    }

    /// What is shown at the price of each of our resting orders.
    fn shown_at_orders(&mut self, number: u32) -> Result<Vec<(u64, Side, Ticks, Lots)>, ExchangeError> {
        let replica = self.replica(number)?;
        let mut shown = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            for (rank, key) in &replica.queue(side).orders {
                let price = Queue::price(side, *rank);
                shown.push((*key, side, price, replica.depth.quantity(side, price)));
            }
        }
        Ok(shown)
    }

    /// Queue positions follow the levels.
    fn follow_levels(&mut self, number: u32, before: &[(u64, Side, Ticks, Lots)]) -> Result<(), ExchangeError> {
        let model = self.config.queue_model;
        for (key, side, price, previous) in before {
            let replica = self.replica(number)?;
            let (now, top_only) = (replica.depth.quantity(*side, *price), replica.top_only);
            let best = replica.depth.best(*side).map(|level| level.price);
            let order = self.by_key_mut(*key)?;
            match &mut order.queue {
                // Of a market's best prices alone, a level that is not shown may still be there.
                Some(queue) if !top_only || (*previous > Lots::ZERO && now > Lots::ZERO) => {
                    queue.on_level_change(*previous, now)?;
                }
                Some(_) => {}
                None if best == Some(*price) => {
                    order.queue = Some(QueuePosition::new(model, Lots(order.leaves), now)?);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Our orders meet new levels: first what rests and is crossed, then what waited for them.
    fn meet_levels(&mut self, number: u32, at: UtcNanos, events: &mut Vec<ExchangeEvent>) -> Result<(), ExchangeError> {
        if self.replica(number)?.depth.is_crossed() {
            return Ok(());
        }
        for side in [Side::Buy, Side::Sell] {
            let mut after = None;
            loop {
                let replica = self.replica(number)?;
                let Some(best) = replica.depth.best(side.opposite()) else { break };
                let Some(next) = replica.queue(side).next(after, Queue::rank(side, best.price)) else { break };
                after = Some(next);
                let key = next.1;
                let order = self.by_key(key)?;
                if order.live_since < at {
                    let (limit, leaves) = (Queue::price(side, next.0), order.leaves);
                    let mut taken = Vec::new();
                    self.replica(number)?.take(side, leaves, limit, &mut taken);
                    let lots = taken.iter().map(|(_, lots)| lots.0).sum();
                    self.fill_resting(key, limit, lots, events)?;
                }
            }
        }
        let waiting = std::mem::take(&mut self.replica(number)?.waiting);
        for key in waiting {
            match self.orders.get(key).filter(|order| order.place == Place::Waiting) {
                Some(order) if order.live_since < at => {
                    self.take_from_replica(number, key, events)?;
                    self.cascade_urgent(events)?;
                }
                Some(_) => self.replica(number)?.waiting.push(key),
                None => {}
            }
        }
        Ok(())
    }

    /// A resting order of ours was hit.
    fn fill_resting(
        &mut self,
        key: u64,
        price: Ticks,
        lots: i64,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        if lots == 0 {
            return Ok(());
        }
        if self.fill_from_market(key, price, lots, matching::Liquidity::Maker, events)? {
            self.withdraw(key)?;
            self.close_and_settle(key)?;
        } else {
            let (leaves, model) = (self.by_key(key)?.leaves, self.config.queue_model);
            let order = self.by_key_mut(key)?;
            // Nobody is before an order that is being filled.
            if order.queue.is_none_or(|queue| queue.leaves().0 != leaves) {
                order.queue = Some(QueuePosition::new(model, Lots(leaves), Lots::ZERO)?);
            }
        }
        self.cascade_urgent(events)
    }

    fn fill_from_market(
        &mut self,
        key: u64,
        price: Ticks,
        lots: i64,
        liquidity: matching::Liquidity,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<bool, ExchangeError> {
        let number = self.by_key(key)?.listing;
        let listing = self.listing_mut(number)?;
        listing.trades += 1;
        let execution = Execution { trade: listing.trades, liquidity };
        self.fill(&Fill { key, price, quantity: Lots(lots), execution }, events)
    }

    /// An order that waited meets the levels: it takes what it may, then rests or is over.
    fn take_from_replica(
        &mut self,
        number: u32,
        key: u64,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        let order = self.by_key_mut(key)?;
        order.place = Place::Matching;
        let (request, leaves, limit) = (order.record.request, order.leaves, order.limit);
        let side = request.side;
        let Some(limit) = limit else { return self.cancel_now(key, "it has no price", events) };
        if request.post_only && self.listing(number)?.crosses(side, limit) {
            return self.cancel_now(key, "post-only, and it would take at once", events);
        }
        let killed = request.time_in_force == TimeInForce::Fok && self.replica(number)?.available(side, limit) < leaves;
        let mut taken = Vec::new();
        if !killed {
            self.replica(number)?.take(side, leaves, limit, &mut taken);
        }
        for (price, lots) in &taken {
            let price = self.slipped(number, side, (*price, *lots), limit)?;
            self.fill_from_market(key, price, lots.0, matching::Liquidity::Taker, events)?;
        }
        let order = self.by_key(key)?;
        if order.leaves == 0 {
            return self.close_and_settle(key);
        }
        if self.is_immediate(order) {
            let reason = if killed {
                "fill or kill, and not all of it could be filled"
            } else {
                "immediate, and no more is offered within its limit"
            };
            self.step(key, OrderEventKind::Expire, reason, events)?;
            return self.close_and_settle(key);
        }
        let leaves = Lots(order.leaves);
        let model = self.config.queue_model;
        let replica = self.replica(number)?;
        let better =
            replica.depth.best(side).is_none_or(|best| Queue::rank(side, limit) <= Queue::rank(side, best.price));
        let known = !replica.top_only || better;
        let ahead = replica.depth.quantity(side, limit);
        replica.enter(side, limit, key);
        let queue = if known { Some(QueuePosition::new(model, leaves, ahead)?) } else { None };
        self.by_key_mut(key)?.queue = queue;
        self.enter_rest(key)
    }

    /// A taken price moved against the trader, never beyond the order's limit.
    fn slipped(
        &self,
        number: u32,
        side: Side,
        (price, lots): (Ticks, Lots),
        limit: Ticks,
    ) -> Result<Ticks, ExchangeError> {
        let listing = self.listing(number)?;
        let tick = listing.instrument.tick_size;
        let quantity = listing.quantity(lots.0)?;
        let shown = listing.depth().map_or(lots, |depth| depth.quantity(side.opposite(), price));
        let volume = listing.quantity(shown.0)?;
        let moved = self.config.slippage.moved(side, listing.price(price)?, tick, quantity, volume)?;
        let moved = Ticks::from_price(moved, tick)?;
        Ok(if side.is_buy() { moved.min(limit) } else { moved.max(limit) })
    }

    /// An order waits for data that is newer than it.
    pub(super) fn wait_for_data(&mut self, key: u64) -> Result<(), ExchangeError> {
        let order = self.by_key_mut(key)?;
        order.place = Place::Waiting;
        order.queue = None;
        let (number, since) = (order.listing, order.live_since);
        self.replica(number)?.waiting.push(key);
        if self.is_immediate(self.by_key(key)?) {
            self.schedule(UtcNanos(since.0.saturating_add(self.config.data_patience)), key);
        }
        Ok(())
    }

    fn take_trade(
        &mut self,
        number: u32,
        at: UtcNanos,
        (side, price, quantity): (Side, Ticks, Lots),
        shown_price: Price,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<(), ExchangeError> {
        self.pass_time(at, events)?;
        self.replica(number)?.last_event = at;
        let (rank, mut budget, mut after) = (Queue::rank(side, price), quantity.0, None);
        while budget > 0 {
            let Some(next) = self.replica(number)?.queue(side).next(after, rank) else { break };
            after = Some(next);
            let order = self.by_key_mut(next.1)?;
            if order.live_since >= at {
                continue;
            }
            let lots = if next.0 < rank {
                // The trade went through our price: whoever sold there would have met us first.
                order.queue = None;
                order.leaves.min(budget)
            } else if let Some(queue) = &mut order.queue {
                queue.on_trade(Lots(budget))?;
                queue.fills().0.min(budget)
            } else {
                0
            };
            budget -= lots;
            self.fill_resting(next.1, Queue::price(side, next.0), lots, events)?;
        }
        self.tell_price(number, shown_price);
        self.cascade(events)
    }
}

/// Two prices of which one may be missing.
trait OrEachOther {
    fn or_each_other(self) -> Self;
}

impl OrEachOther for (Option<Price>, Option<Price>) {
    fn or_each_other(self) -> Self {
        (self.0.or(self.1), self.1.or(self.0))
    }
}

impl Listing {
    /// A level as the market tells it, in ticks and lots; a started lot is not there.
    fn level(&self, side: Side, (price, quantity): (Price, Quantity)) -> Result<(Side, Ticks, Lots), ExchangeError> {
        self.instrument.check_price("market price", price)?;
        if quantity < Quantity::ZERO {
            return Err(AmountError::NotPositive { what: "market quantity", text: quantity.to_string() }.into());
        }
        let ticks = Ticks::from_price(price, self.instrument.tick_size)?;
        Ok((side, ticks, Lots(quantity.raw() / self.lot.raw().max(1))))
    }
}

impl Queue {
    /// The price of a rank.
    const fn price(side: Side, rank: i64) -> Ticks {
        match side {
            Side::Buy => Ticks(!rank),
            Side::Sell => Ticks(rank),
        }
    }
}
