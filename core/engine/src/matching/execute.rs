//! What happens when an order of a bar's session trades: how much, at which price and fee, and what follows from it.

use super::contingency::{Leg, LegAction};
use super::fees::Liquidity;
use super::report::{FillRecord, OrderRecord, VenueError, VenueEvent};
use super::session::{Done, Session};
use crate::orders::{OrderEventKind, OrderRequest, OrderType};
use crate::types::{ClientOrderId, Price, Quantity, Side, StateHasher, UtcNanos};

/// At which price an order trades.
#[derive(Clone, Copy)]
pub(super) struct Execution {
    pub(super) price: Price,
    /// Moved by slippage, but never beyond this limit.
    pub(super) slips: Option<Option<Price>>,
    pub(super) liquidity: Liquidity,
    pub(super) at: UtcNanos,
    pub(super) reason: &'static str,
}

impl Execution {
    pub(super) const fn taking(price: Price, limit: Option<Price>, at: UtcNanos, reason: &'static str) -> Self {
        Self { price, slips: Some(limit), liquidity: Liquidity::Taker, at, reason }
    }
}

impl Session<'_> {
    pub(super) fn left(&self, rank: u64) -> Quantity {
        self.order(rank).map_or(Quantity::ZERO, OrderRecord::left)
    }

    /// What is left of an order, or what a reduce-only one may still do.
    fn wanted(&self, order: &OrderRecord) -> Quantity {
        let request = &order.request;
        if !request.reduce_only {
            return order.left();
        }
        let held = self.ledger.portfolio.quantity(&request.symbol);
        let closes = if request.side.is_buy() { held.raw() < 0 } else { held.raw() > 0 };
        if closes { order.left().at_most(held.magnitude()) } else { Quantity::ZERO }
    }

    /// What an order can do now: what it wants, within the bar's volume, in whole lots.
    pub(super) fn fillable(&self, rank: u64) -> Quantity {
        let Some(wanted) = self.order(rank).map(|order| self.wanted(order)) else { return Quantity::ZERO };
        let Some(budget) = self.budget.filter(|budget| *budget < wanted) else { return wanted };
        let lot = self.desk.instrument.lot_size.raw().max(1);
        Quantity::from_raw(budget.raw() - budget.raw() % lot)
    }

    /// Fill as much of an order as there is to do; returns how much that was.
    pub(super) fn fill(&mut self, rank: u64, execution: Execution) -> Result<Quantity, VenueError> {
        let Some(order) = self.order(rank) else { return Ok(Quantity::ZERO) };
        let (request, number, charges) = (order.request, order.fills.saturating_add(1), order.charges);
        let Execution { liquidity, at, reason, .. } = execution;
        if self.wanted(order) == Quantity::ZERO {
            self.step(rank, OrderEventKind::Cancel, at, "nothing left to reduce")?;
            return Ok(Quantity::ZERO);
        }
        let quantity = self.fillable(rank);
        if quantity == Quantity::ZERO {
            return Ok(quantity);
        }
        let price = self.price(request.side, quantity, execution)?;
        let traded = self.ledger.volume.at(at)?;
        let fee = self.config.fees.fee(price, quantity, liquidity, &charges, traded)?;
        let charges = charges.with(price, quantity, fee)?;
        let OrderRequest { client_order_id, decision_id, symbol, side, oco_group, .. } = request;
        let fill_id = client_order_id.fill(number)?;
        let ledger = self.ledger.to_mut();
        ledger.volume.add(at, price.notional(quantity)?)?;
        let realised = ledger.portfolio.book(&symbol, side, quantity, price, fee, &fill_id)?;
        if let Some(budget) = &mut self.budget {
            *budget = Quantity::from_raw(budget.raw() - quantity.raw());
        }
        if let Some(order) = self.desk.orders.get_mut(&rank) {
            (order.fills, order.charges) = (number, charges);
        }
        self.desk.bracket.filled(rank, quantity);
        let siblings = self.desk.groups.traded(&oco_group, rank);
        self.spent_groups.extend(oco_group.some());
        self.step(rank, OrderEventKind::Fill { quantity, of: request.quantity }, at, reason)?;
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
            ts_event: at,
            reason,
        };
        self.events.push(VenueEvent::Fill(fill));
        for sibling in siblings {
            self.step(sibling, OrderEventKind::Cancel, at, format!("oco: {client_order_id} traded"))?;
        }
        if request.reduce_only && self.order(rank).is_some_and(|order| self.wanted(order) == Quantity::ZERO) {
            self.step(rank, OrderEventKind::Cancel, at, "nothing left to reduce")?;
        }
        self.protect(rank, &request, at, number)?;
        Ok(quantity)
    }

    fn price(&self, side: Side, quantity: Quantity, execution: Execution) -> Result<Price, VenueError> {
        let (bar, Execution { price, slips, .. }) = (self.bar, execution);
        let Some(limit) = slips else { return Ok(price) };
        let tick = self.desk.instrument.tick_size;
        let moved = self.config.slippage.moved(side, price, tick, quantity, bar.volume)?;
        let moved = match limit {
            Some(limit) if side.is_buy() => moved.min(limit),
            Some(limit) => moved.max(limit),
            None => moved,
        };
        Ok(moved.clamp(bar.low, bar.high))
    }

    /// Make the protective orders fit the position after a fill of `cause`.
    ///
    /// When a leg itself traded in part, its sibling is resized. After any other fill both are made anew, under ids of
    /// the order that changed the position, so that the log says where each came from.
    fn protect(&mut self, rank: u64, cause: &OrderRequest, now: UtcNanos, number: u32) -> Done {
        let held = self.ledger.portfolio.quantity(&cause.symbol);
        let by_leg = self.desk.bracket.order(Leg::StopLoss) == Some(rank)
            || self.desk.bracket.order(Leg::TakeProfit) == Some(rank);
        if !by_leg {
            for leg in Leg::BOTH {
                if let Some(leg_rank) = self.desk.bracket.order(leg) {
                    let reason = if held.raw() == 0 { "position closed" } else { "position changed" };
                    self.step(leg_rank, OrderEventKind::Cancel, now, reason)?;
                }
            }
            // A position that this very fill opened (or flipped) has the protection of its own order, or none.
            let position = self.ledger.portfolio.position(&cause.symbol);
            let opened_now = position.is_some_and(|position| {
                position
                    .position_id
                    .rsplit_once("-F")
                    .is_some_and(|(opener, fill)| cause.client_order_id == *opener && fill.parse() == Ok(number))
            });
            if opened_now || cause.stop_loss.is_some() || cause.take_profit.is_some() {
                self.desk.bracket.set(cause.stop_loss, cause.take_profit);
            }
        }
        for action in self.desk.bracket.follow(held) {
            match action {
                LegAction::Cancel { key, .. } => self.step(key, OrderEventKind::Cancel, now, "position closed")?,
                LegAction::Resize { key, quantity, .. } => {
                    if let Some(order) = self.desk.orders.get_mut(&key) {
                        let whole = order.state.filled().raw().saturating_add(quantity.raw());
                        order.request.quantity = Quantity::from_raw(whole);
                        let reason = format!("quantity={}; the position changed", order.request.quantity);
                        self.step(key, OrderEventKind::Amend, now, reason)?;
                    }
                }
                LegAction::Place { leg, side, quantity, price } => {
                    let order_type = match leg {
                        Leg::StopLoss => OrderType::Stop(price),
                        Leg::TakeProfit => OrderType::Limit(price),
                    };
                    let id = leg_id(&cause.client_order_id, leg, number)?;
                    let (decision, symbol) = (cause.decision_id, cause.symbol);
                    let request = OrderRequest {
                        reduce_only: true,
                        ..OrderRequest::new(id, decision, symbol, side, quantity, order_type, price)
                    };
                    self.attach(request, now)?;
                }
            }
        }
        Ok(())
    }

    fn attach(&mut self, request: OrderRequest, now: UtcNanos) -> Done {
        self.events.push(VenueEvent::Attached(Box::new(request)));
        let rank = self.next_rank;
        self.next_rank += 1;
        self.desk.add(OrderRecord::new(request, now, rank, true), Price::ZERO)?;
        self.step(rank, OrderEventKind::Submit, now, "")?;
        self.step(rank, OrderEventKind::Accept, now, "")
    }
}

/// `<cause>-SL<n>`; where that is too long for an id, a hash of the cause stands for it.
fn leg_id(cause: &ClientOrderId, leg: Leg, number: u32) -> Result<ClientOrderId, VenueError> {
    let leg = leg.as_str();
    cause.child(format_args!("{leg}{number}")).or_else(|_| {
        let mut hasher = StateHasher::new();
        hasher.text(cause);
        Ok(ClientOrderId::parse(&format!("{:016x}-{leg}{number}", hasher.finish()))?)
    })
}
