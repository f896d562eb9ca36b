//! One bar at one desk: the phases of the rule in the head of [`super`], in their order.
//!
//! A session works on a clone of the desk and copies the account only when something trades; the venue keeps both if
//! every step succeeded. Cost: O(working orders of the symbol), and O(positions) for a bar that trades.

use std::borrow::Cow;

use super::contingency::Leg;
use super::desk::{Closed, Desk};
use super::execute::Execution;
use super::fees::{Liquidity, RollingVolume};
use super::report::{Bar, OrderRecord, VenueConfig, VenueError, VenueEvent};
use super::triggers::Fired;
use crate::orders::{OrderEventKind, OrderType, TimeInForce};
use crate::portfolio::Portfolio;
use crate::types::{ClientOrderId, Price, Quantity, Side, UtcNanos};

/// What fills change beside the desk.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    pub(super) portfolio: Portfolio,
    pub(super) volume: RollingVolume,
}

pub(super) struct Session<'a> {
    pub(super) bar: &'a Bar,
    pub(super) config: &'a VenueConfig,
    pub(super) desk: Desk,
    pub(super) ledger: Cow<'a, Ledger>,
    pub(super) next_rank: u64,
    /// First rank given in this bar.
    pub(super) first_new: u64,
    /// What the bar's volume still allows; `None` without a bound.
    pub(super) budget: Option<Quantity>,
    /// Whether an order that may open a position traded inside the bar.
    pub(super) opened_inside: bool,
    pub(super) closed: Vec<Closed>,
    /// OCO groups that traded.
    pub(super) spent_groups: Vec<ClientOrderId>,
    pub(super) events: Vec<VenueEvent>,
}

pub(super) type Done = Result<(), VenueError>;

impl<'a> Session<'a> {
    pub(super) fn new(
        bar: &'a Bar,
        config: &'a VenueConfig,
        desk: Desk,
        ledger: &'a Ledger,
        next_rank: u64,
    ) -> Result<Self, VenueError> {
        let budget = config
            .max_participation
            .map(|share| crate::types::Money::from_raw(bar.volume.raw()).times(share))
            .transpose()?
            .map(|allowed| Quantity::from_raw(allowed.raw()));
        let (ledger, opened_inside) = (Cow::Borrowed(ledger), false);
        let (first_new, closed, spent_groups, events) = (next_rank, Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            bar,
            config,
            desk,
            ledger,
            next_rank,
            first_new,
            budget,
            opened_inside,
            closed,
            spent_groups,
            events,
        })
    }

    pub(super) fn run(&mut self) -> Done {
        let bar = self.bar;
        self.expire(bar.ts_open)?;
        let trails: Vec<(u64, Option<String>)> =
            self.desk.triggers.trailing().map(|rank| (rank, self.desk.trail_terms(rank))).collect();
        let waiting = self.take_out(|order| order.eligible_from > bar.ts_open);
        self.gap_through_protection()?;
        self.open()?;
        let ending = self.take_out(|order| order.expires().is_some_and(|until| until < bar.ts_event));
        self.hit_stop()?;
        let targets = self.wake_inside()?;
        for rank in self.eligible() {
            self.fill_through_limit(rank)?;
        }
        let mut asleep = Vec::new();
        if self.opened_inside {
            self.hit_stop()?;
            asleep.extend(targets.iter().map(|fired| (fired.key, Price::ZERO)));
        } else {
            for fired in &targets {
                self.wake_at(fired)?;
            }
            if self.opened_inside { self.hit_stop()? } else { self.hit_target()? }
        }
        self.follow_trails()?;
        self.put_back(asleep.into_iter().chain(waiting).chain(ending));
        self.report_trails(trails)?;
        self.expire(bar.ts_event)
    }

    pub(super) fn step(&mut self, rank: u64, kind: OrderEventKind, at: UtcNanos, reason: impl Into<String>) -> Done {
        let closed = self.desk.step(rank, kind, at, reason, &mut self.events)?;
        self.closed.extend(closed);
        Ok(())
    }

    pub(super) fn order(&self, rank: u64) -> Option<&OrderRecord> {
        self.desk.orders.get(&rank)
    }

    /// Working orders of people and strategies that are old enough, in the order of acceptance.
    fn eligible(&self) -> Vec<u64> {
        let old_enough = |order: &&OrderRecord| !order.protective && order.eligible_from <= self.bar.ts_open;
        self.desk.orders.values().filter(old_enough).map(|order| order.rank).collect()
    }

    fn expire(&mut self, now: UtcNanos) -> Done {
        let over = |order: &&OrderRecord| order.expires().is_some_and(|until| until <= now);
        let over: Vec<u64> = self.desk.orders.values().filter(over).map(|order| order.rank).collect();
        for rank in over {
            self.step(rank, OrderEventKind::Expire, now, "its time is over")?;
        }
        Ok(())
    }

    /// Sleeping orders that this part of the bar must not wake leave the triggers; with their best price.
    fn take_out(&mut self, which: impl Fn(&OrderRecord) -> bool) -> Vec<(u64, Price)> {
        let mut out = Vec::new();
        for order in self.desk.orders.values().filter(|order| which(order)) {
            let best = self.desk.triggers.trail_state(order.rank).map_or(Price::ZERO, |state| state.best);
            if self.desk.triggers.remove(order.rank) {
                out.push((order.rank, best));
            }
        }
        out
    }

    fn put_back(&mut self, out: impl Iterator<Item = (u64, Price)>) {
        for (rank, best) in out {
            let Some(request) = self.order(rank).map(|order| order.request) else { continue };
            // It was here before with the same offset and best price, so it cannot be refused.
            let put = self.desk.triggers.insert(rank, &request.order_type, request.side, best);
            debug_assert!(put.is_ok(), "{put:?}");
        }
    }

    fn gap_through_protection(&mut self) -> Done {
        let bar = self.bar;
        let stop = self.leg(Leg::StopLoss).filter(|order| self.may_trade(order));
        if let Some((rank, side, level, triggered)) = stop.map(protective)
            && (triggered || passed(side.opposite(), bar.open, level))
        {
            self.trigger(rank, bar.ts_open)?;
            let reason = if triggered { "stop: the rest, at the open" } else { "stop: gap, filled at the open" };
            return self.fill(rank, Execution::taking(bar.open, None, bar.ts_open, reason)).map(|_| ());
        }
        let target = self.leg(Leg::TakeProfit).filter(|order| self.may_trade(order));
        if let Some((rank, side, level, _)) = target.map(protective)
            && passed(side, bar.open, level)
        {
            let (liquidity, reason) = (Liquidity::Maker, "target: gap, filled at the open");
            self.fill(rank, Execution { price: bar.open, slips: None, liquidity, at: bar.ts_open, reason })?;
        }
        Ok(())
    }

    fn leg(&self, leg: Leg) -> Option<&OrderRecord> {
        self.desk.bracket.order(leg).and_then(|rank| self.order(rank))
    }

    /// Old enough for this bar, or made by it.
    fn may_trade(&self, order: &OrderRecord) -> bool {
        order.eligible_from <= self.bar.ts_open || order.rank >= self.first_new
    }

    fn open(&mut self) -> Done {
        let mut fired = Vec::new();
        self.desk.triggers.update(self.bar.open, &mut fired);
        let mut woken: Vec<u64> = fired.iter().map(|fired| fired.key).collect();
        woken.sort_unstable();
        for rank in self.eligible() {
            if woken.binary_search(&rank).is_ok() {
                self.trigger(rank, self.bar.ts_open)?;
            }
            self.fill_at_open(rank)?;
        }
        Ok(())
    }

    fn fill_at_open(&mut self, rank: u64) -> Done {
        let (bar, Some(order)) = (self.bar, self.order(rank)) else { return Ok(()) };
        let (request, at) = (order.request, bar.ts_open);
        let rested = self.desk.rested(order);
        let execution = match order.works_as() {
            OrderType::Market => {
                let woken = order.triggered;
                let reason = if woken { "triggered: at the open" } else { "market: at the open" };
                Some(Execution::taking(bar.open, None, at, reason))
            }
            OrderType::Limit(limit) if passed(request.side, bar.open, limit) => {
                if request.post_only && !rested {
                    let reason = format!("post-only: the open {} would have been taken", bar.open);
                    return self.step(rank, OrderEventKind::Cancel, at, reason);
                }
                let liquidity = if rested { Liquidity::Maker } else { Liquidity::Taker };
                Some(Execution { price: bar.open, slips: None, liquidity, at, reason: "limit: at the open" })
            }
            _ => None,
        };
        if let Some(execution) = execution {
            if request.time_in_force == TimeInForce::Fok && self.fillable(rank) < self.left(rank) {
                return self.step(rank, OrderEventKind::Expire, at, "fok: not all of it could be done at the open");
            }
            self.fill(rank, execution)?;
        }
        if request.time_in_force.rests() || self.order(rank).is_none() {
            return Ok(());
        }
        let reason =
            if self.left(rank) < request.quantity { "the rest could not be done" } else { "nothing to be had" };
        self.step(rank, OrderEventKind::Expire, at, format!("{}: {reason} at the open", request.time_in_force.as_str()))
    }

    /// Conditional orders touched inside the bar, with the levels as the open left them: stops now, targets returned.
    fn wake_inside(&mut self) -> Result<Vec<Fired>, VenueError> {
        let mut fired = Vec::new();
        self.desk.triggers.reach(self.bar.low, self.bar.high, &mut fired);
        let mut targets = Vec::new();
        for found in fired {
            match self.order(found.key).map(|order| order.request.order_type) {
                Some(OrderType::TakeProfit(_) | OrderType::TakeProfitLimit { .. }) => targets.push(found),
                _ => self.wake_at(&found)?,
            }
        }
        Ok(targets)
    }

    /// Wake an order at its level and let it take what it may.
    fn wake_at(&mut self, fired: &Fired) -> Done {
        let (rank, at) = (fired.key, self.bar.ts_event);
        self.trigger(rank, at)?;
        let Some(order) = self.order(rank) else { return Ok(()) };
        let (limit, request) = (order.works_as().limit(), order.request);
        if limit.is_some_and(|limit| !passed(request.side, fired.level, limit)) {
            return Ok(());
        }
        if request.post_only {
            return self.step(rank, OrderEventKind::Cancel, at, "post-only: would have taken when it woke");
        }
        let level = fired.level.clamp(self.bar.low, self.bar.high);
        let done = self.fill(rank, Execution::taking(level, limit, at, "triggered: touched"))?;
        self.opened_inside |= done > Quantity::ZERO && !request.reduce_only;
        Ok(())
    }

    fn trigger(&mut self, rank: u64, at: UtcNanos) -> Done {
        let Some(order) = self.desk.orders.get_mut(&rank).filter(|order| !order.triggered) else { return Ok(()) };
        (order.triggered, order.eligible_from) = (true, at);
        self.step(rank, OrderEventKind::Trigger, at, "")
    }

    fn fill_through_limit(&mut self, rank: u64) -> Done {
        let (bar, Some(order)) = (self.bar, self.order(rank)) else { return Ok(()) };
        let request = order.request;
        let OrderType::Limit(limit) = order.works_as() else { return Ok(()) };
        let alive = order.expires().is_none_or(|until| until >= bar.ts_event);
        let through = if request.side.is_buy() { bar.low < limit } else { bar.high > limit };
        // Of a limit that the open already satisfied only a rest is here, for which the volume did not do.
        let price = limit.clamp(bar.low, bar.high);
        if through && alive {
            let (liquidity, reason) = (Liquidity::Maker, "limit: traded through");
            let done = self.fill(rank, Execution { price, slips: None, liquidity, at: bar.ts_event, reason })?;
            self.opened_inside |= done > Quantity::ZERO && !request.reduce_only;
        }
        Ok(())
    }

    fn hit_stop(&mut self) -> Done {
        let (bar, Some(order)) = (self.bar, self.leg(Leg::StopLoss)) else { return Ok(()) };
        let (rank, side, level, triggered) = protective(order);
        let touched = if side.is_buy() { bar.high >= level } else { bar.low <= level };
        if triggered || !touched || !self.may_trade(order) {
            return Ok(());
        }
        self.trigger(rank, bar.ts_event)?;
        let level = level.clamp(bar.low, bar.high);
        self.fill(rank, Execution::taking(level, None, bar.ts_event, "stop: touched")).map(|_| ())
    }

    fn hit_target(&mut self) -> Done {
        // A stop that woke and found no volume comes first; its target waits.
        let stopped = self.leg(Leg::StopLoss).is_some_and(|stop| stop.triggered);
        let (bar, Some(order)) = (self.bar, self.leg(Leg::TakeProfit).filter(|_| !stopped)) else { return Ok(()) };
        let (rank, side, level, _) = protective(order);
        let through = if side.is_buy() { bar.low < level } else { bar.high > level };
        if !through || !self.may_trade(order) {
            return Ok(());
        }
        // A target set on the wrong side of the market never fills at a price that did not trade.
        let price = level.clamp(bar.low, bar.high);
        let (liquidity, reason) = (Liquidity::Maker, "target: traded through");
        self.fill(rank, Execution { price, slips: None, liquidity, at: bar.ts_event, reason }).map(|_| ())
    }

    /// The bar's extremes move the trails; a close beyond a new level proves that it was hit after the extreme.
    fn follow_trails(&mut self) -> Done {
        let bar = self.bar;
        self.desk.triggers.follow(bar.low, bar.high);
        let mut fired = Vec::new();
        self.desk.triggers.reach(bar.close, bar.close, &mut fired);
        for found in fired {
            self.trigger(found.key, bar.ts_event)?;
            self.fill(found.key, Execution::taking(bar.close, None, bar.ts_event, "triggered: closed beyond it"))?;
        }
        Ok(())
    }

    /// One step for each trailing stop whose level this bar moved, so that the log has it.
    fn report_trails(&mut self, before: Vec<(u64, Option<String>)>) -> Done {
        for (rank, terms) in before {
            let now = self.desk.trail_terms(rank);
            if let Some(terms) = now.filter(|now| Some(now) != terms.as_ref()) {
                self.step(rank, OrderEventKind::Amend, self.bar.ts_event, terms)?;
            }
        }
        Ok(())
    }
}

/// Rank, side, level and whether it has woken, of a protective order.
fn protective(order: &OrderRecord) -> (u64, Side, Price, bool) {
    (order.rank, order.request.side, order.request.order_type.price().unwrap_or_default(), order.triggered)
}

/// Whether `price` is at or beyond `level` from the view of a `side` limit order: at or below it for a buy.
fn passed(side: Side, price: Price, level: Price) -> bool {
    if side.is_buy() { price <= level } else { price >= level }
}
