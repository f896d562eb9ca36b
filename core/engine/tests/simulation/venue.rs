//! A venue in a page: it keeps a journal of everything, and answers questions from a view that lags behind it.
//! It shares no code with the project's matching.

use std::collections::BTreeMap;

use deepalpha_engine::execution::{FillReport, VenueOrder, VenuePosition, VenueStatus};
use deepalpha_engine::orders::{OrderRequest, PositionSide};
use deepalpha_engine::types::{ClientOrderId, Money, Price, Quantity, Side, SignedQuantity, Symbol, TradeId, UtcNanos};

pub const SECOND: i64 = 1_000_000_000;
const RECEIVE_WINDOW: i64 = 5 * SECOND;
const CLOCK_TOLERANCE: i64 = SECOND;

/// What became of a request at the venue.
pub enum Verdict {
    Accepted,
    Refused,
    Duplicate,
    TooLate,
}

#[derive(Default)]
pub struct Venue {
    /// Each order with all its versions, oldest first.
    pub orders: BTreeMap<ClientOrderId, Vec<VenueOrder>>,
    pub fills: Vec<FillReport>,
    /// Changes of positions that are no fills.
    pub adjustments: Vec<(UtcNanos, Symbol, i64)>,
    pub overfilled: Vec<ClientOrderId>,
}

impl Venue {
    pub fn now_of(&self, id: &ClientOrderId) -> Option<&VenueOrder> {
        self.orders.get(id)?.last()
    }

    fn in_window(sent_at: UtcNanos, now: i64) -> bool {
        sent_at.0 <= now + CLOCK_TOLERANCE && now <= sent_at.0 + RECEIVE_WINDOW
    }

    pub fn submit(&mut self, request: &OrderRequest, sent_at: UtcNanos, now: i64, refuse: bool) -> Verdict {
        let id = request.client_order_id;
        if !Self::in_window(sent_at, now) {
            return Verdict::TooLate;
        }
        if self.orders.contains_key(&id) {
            return Verdict::Duplicate;
        }
        let status = if refuse { VenueStatus::Rejected } else { VenueStatus::Working };
        self.orders.insert(
            id,
            vec![VenueOrder {
                client_order_id: id,
                symbol: request.symbol,
                position_side: request.position_side,
                side: request.side,
                quantity: request.quantity,
                price: request.order_type.limit(),
                filled: Quantity::ZERO,
                status,
                updated_at: UtcNanos(now),
            }],
        );
        if refuse { Verdict::Refused } else { Verdict::Accepted }
    }

    fn change(&mut self, id: &ClientOrderId, now: i64, change: impl FnOnce(&mut VenueOrder)) -> Option<VenueOrder> {
        let versions = self.orders.get_mut(id)?;
        let mut next = *versions.last()?;
        next.updated_at = UtcNanos(now);
        change(&mut next);
        versions.push(next);
        Some(next)
    }

    fn works(&self, id: &ClientOrderId) -> bool {
        self.now_of(id).is_some_and(|order| order.status == VenueStatus::Working)
    }

    /// End a working order; `None` when it does not work.
    pub fn end(&mut self, id: &ClientOrderId, status: VenueStatus, now: i64) -> Option<VenueOrder> {
        if !self.works(id) {
            return None;
        }
        self.change(id, now, |order| order.status = status)
    }

    pub fn amend(
        &mut self,
        id: &ClientOrderId,
        quantity: Quantity,
        price: Option<Price>,
        sent_at: UtcNanos,
        now: i64,
    ) -> Option<VenueOrder> {
        let more = self.now_of(id).is_some_and(|order| quantity > order.filled);
        if !self.works(id) || !more || !Self::in_window(sent_at, now) {
            return None;
        }
        self.change(id, now, |order| (order.quantity, order.price) = (quantity, price))
    }

    /// Trade so much of a working order (more than is left only when `over`).
    pub fn trade(&mut self, id: &ClientOrderId, quantity: i64, over: bool, now: i64) -> Option<FillReport> {
        let order = *self.now_of(id).filter(|order| order.status == VenueStatus::Working)?;
        let left = order.quantity.raw() - order.filled.raw();
        let quantity = if over { left + quantity } else { quantity.min(left) };
        let trade_id = TradeId::parse(&format!("T{}", self.fills.len() + 1)).ok()?;
        let price = order.price.unwrap_or(Price::from_raw(100 * 100_000_000));
        let fill = FillReport {
            client_order_id: *id,
            trade_id,
            symbol: order.symbol,
            position_side: order.position_side,
            side: order.side,
            quantity: Quantity::from_raw(quantity),
            price,
            fee: Money::from_raw(quantity / 1000),
            ts_event: UtcNanos(now),
        };
        self.fills.push(fill);
        if over {
            self.overfilled.push(*id);
        }
        self.change(id, now, |order| {
            order.filled = Quantity::from_raw(order.filled.raw() + quantity);
            if order.filled >= order.quantity {
                order.status = VenueStatus::Filled;
            }
        });
        Some(fill)
    }

    pub fn place_foreign(&mut self, number: u64, symbol: Symbol, side: Side, quantity: i64, now: i64) {
        let id = ClientOrderId::parse(&format!("FRN-{number}")).unwrap_or_default();
        let order = VenueOrder {
            client_order_id: id,
            symbol,
            position_side: PositionSide::Net,
            side,
            quantity: Quantity::from_raw(quantity),
            price: Some(Price::from_raw(99 * 100_000_000)),
            filled: Quantity::ZERO,
            status: VenueStatus::Working,
            updated_at: UtcNanos(now),
        };
        self.orders.insert(id, vec![order]);
    }

    /// The order as a server that lags shows it.
    pub fn view(&self, id: &ClientOrderId, at: i64) -> Option<VenueOrder> {
        self.orders.get(id)?.iter().rev().find(|order| order.updated_at.0 <= at).copied()
    }

    pub fn open_view(&self, at: i64) -> Vec<VenueOrder> {
        let views = self.orders.keys().filter_map(|id| self.view(id, at));
        views.filter(|order| order.status == VenueStatus::Working).collect()
    }

    pub fn fills_view(&self, since: UtcNanos, at: i64) -> Vec<FillReport> {
        let seen = |fill: &&FillReport| fill.ts_event >= since && fill.ts_event.0 <= at;
        self.fills.iter().filter(seen).copied().collect()
    }

    pub fn positions_view(&self, at: i64) -> Vec<VenuePosition> {
        let mut held: BTreeMap<Symbol, i64> = BTreeMap::new();
        for fill in self.fills.iter().filter(|fill| fill.ts_event.0 <= at) {
            *held.entry(fill.symbol).or_default() += fill.quantity.signed(fill.side.is_buy()).raw();
        }
        for (_, symbol, change) in self.adjustments.iter().filter(|(when, _, _)| when.0 <= at) {
            *held.entry(*symbol).or_default() += change;
        }
        let position = |(symbol, quantity): (Symbol, i64)| VenuePosition {
            symbol,
            position_side: PositionSide::Net,
            quantity: SignedQuantity::from_raw(quantity),
            average_price: Price::from_raw(100 * 100_000_000),
        };
        held.into_iter().filter(|(_, quantity)| *quantity != 0).map(position).collect()
    }

    pub fn working(&self) -> Vec<ClientOrderId> {
        self.orders.keys().filter(|id| self.works(id)).copied().collect()
    }
}
