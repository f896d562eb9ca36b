//! What a person decides: the venue's side of a discrepancy, the end of an unknown order.
//!
//! Everything made up here has an id that is a function of what was accepted, so doing it again does nothing.

use super::effect::{Denied, Effect};
use super::input::{FillReport, Resolution, VenueOrder, VenueStatus};
use super::manager::OrderManager;
use super::record::{Adoption, Discrepancy, DiscrepancyKind, Reason, Record};
use crate::orders::{OrderEventKind, OrderState, PositionSide};
use crate::types::{ClientOrderId, Money, Price, Quantity, Side, SignedQuantity, TradeId, UtcNanos};

const NEVER: UtcNanos = UtcNanos(0);

fn synthetic_order(id: u64) -> ClientOrderId {
    ClientOrderId::parse(&format!("SYN-{id:014x}")).unwrap_or_default()
}

fn synthetic_trade(id: u64) -> TradeId {
    TradeId::parse(&format!("SYN-{id:014x}")).unwrap_or_default()
}

impl OrderManager {
    pub(super) fn accept_venue(&mut self, id: u64, effects: &mut Vec<Effect>) -> Result<(), Denied> {
        use DiscrepancyKind as K;
        let missing = Denied::NoSuchDiscrepancy(id);
        let discrepancy = self.ledger.discrepancies.get(&id).copied().ok_or(missing)?;
        match discrepancy.kind {
            // A list without the order is no word about it: the venue is still being asked.
            K::MissingAtVenue { client_order_id } => return Err(Denied::StillAsked(client_order_id)),
            K::Vanished { client_order_id } => {
                self.resolve(client_order_id, Resolution::Cancelled, effects)?;
            }
            K::UnknownOrder(order) => self.adopt(order, effects),
            K::UnknownFill(fill) => {
                if self.ledger.index(&fill.client_order_id).is_none() {
                    self.adopt(order_of(&fill), effects);
                }
                self.book(&fill, Reason::Operator, false, effects);
            }
            K::FillsMissing { client_order_id, booked, venue } => {
                let index = self.ledger.index(&client_order_id).ok_or(missing)?;
                let order = self.ledger.order(index).ok_or(missing)?;
                if order.state.filled() != booked {
                    self.close(id, Reason::Reconciliation, effects);
                    return Err(missing);
                }
                let quantity = Quantity::from_raw(venue.raw().saturating_sub(booked.raw()));
                let price = order.limit.unwrap_or(order.value_price);
                let fill = self.made_up(index, synthetic_trade(id), quantity, price).ok_or(missing)?;
                self.book(&fill, Reason::Operator, true, effects);
                self.watch(index);
            }
            K::PositionDiffers { position_side, ours, venue, average_price } => {
                if self.ledger.position(&discrepancy.symbol, position_side) != ours {
                    self.close(id, Reason::Reconciliation, effects);
                    return Err(missing);
                }
                self.adjust(&discrepancy, position_side, ours, venue, average_price, effects)?;
            }
            K::OpenThere(_) => {}
        }
        self.close(id, Reason::Operator, effects);
        self.reconciliation.ask_all(self.now.monotonic);
        Ok(())
    }

    /// Take an order over from the venue: nothing of it is booked yet, so it is unknown until the venue tells.
    fn adopt(&mut self, order: VenueOrder, effects: &mut Vec<Effect>) {
        let prefix = self.config.own_prefix;
        let foreign = prefix.is_empty() || !order.client_order_id.starts_with(prefix.as_str());
        self.commit(Record::Adopted(Adoption { order, foreign }), effects);
        if let Some(index) = self.ledger.index(&order.client_order_id) {
            let now = self.now.monotonic;
            if let Some(order) = self.ledger.order_mut(index) {
                (order.sent, order.touched) = (now, now);
            }
            self.watch(index);
        }
    }

    /// Bring a position to the venue's figure by one synthetic order and fill.
    fn adjust(
        &mut self,
        discrepancy: &Discrepancy,
        position_side: PositionSide,
        ours: SignedQuantity,
        venue: SignedQuantity,
        price: Price,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denied> {
        let difference = venue.raw().checked_sub(ours.raw()).ok_or(Denied::Overflow)?;
        let quantity = SignedQuantity::from_raw(difference).magnitude();
        let side = if difference > 0 { Side::Buy } else { Side::Sell };
        let client_order_id = synthetic_order(discrepancy.id);
        let ts_event = self.now.utc;
        let fill = FillReport {
            client_order_id,
            trade_id: synthetic_trade(discrepancy.id),
            symbol: discrepancy.symbol,
            position_side,
            side,
            quantity,
            price,
            fee: Money::ZERO,
            ts_event,
        };
        if self.ledger.index(&client_order_id).is_none() {
            self.commit(Record::Adopted(Adoption { order: order_of(&fill), foreign: true }), effects);
        }
        let Some(index) = self.ledger.index(&client_order_id) else { return Ok(()) };
        self.book(&fill, Reason::Operator, true, effects);
        let filled = self.ledger.order(index).map_or(quantity, |order| order.state.filled());
        self.step(index, OrderEventKind::LoseTrack, Reason::Operator, NEVER, effects);
        self.step(index, OrderEventKind::Find { filled, of: filled }, Reason::Operator, NEVER, effects);
        Ok(())
    }

    fn made_up(&self, index: u32, trade_id: TradeId, quantity: Quantity, price: Price) -> Option<FillReport> {
        let order = self.ledger.order(index)?;
        Some(FillReport {
            client_order_id: order.client_order_id,
            trade_id,
            symbol: self.symbol_of(order),
            position_side: order.position_side,
            side: order.side,
            quantity,
            price,
            fee: Money::ZERO,
            ts_event: self.now.utc,
        })
    }

    pub(super) fn resolve(
        &mut self,
        client_order_id: ClientOrderId,
        resolution: Resolution,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denied> {
        let none = Denied::NoSuchOrder(client_order_id);
        let index = self.ledger.index(&client_order_id).ok_or(none)?;
        let state = self.ledger.order(index).ok_or(none)?.state;
        let OrderState::Unknown { filled } = state else {
            return Err(Denied::State(client_order_id, state.as_str()));
        };
        match resolution {
            Resolution::Absent => {
                self.step(index, OrderEventKind::Absent, Reason::Operator, NEVER, effects);
            }
            Resolution::Cancelled => {
                self.step(index, OrderEventKind::Cancel, Reason::Operator, NEVER, effects);
            }
            Resolution::Filled { quantity, price } => {
                let key = DiscrepancyKind::FillsMissing { client_order_id, booked: filled, venue: quantity };
                let symbol = self.ledger.order(index).map(|order| self.symbol_of(order)).ok_or(none)?;
                let trade_id = synthetic_trade(Discrepancy::new(symbol, key).id);
                let fill = self.made_up(index, trade_id, quantity, price).ok_or(none)?;
                if !self.book(&fill, Reason::Operator, true, effects) {
                    return Err(Denied::Overflow);
                }
            }
        }
        Ok(())
    }
}

/// The little that a fill tells about its order.
const fn order_of(fill: &FillReport) -> VenueOrder {
    VenueOrder {
        client_order_id: fill.client_order_id,
        symbol: fill.symbol,
        position_side: fill.position_side,
        side: fill.side,
        quantity: fill.quantity,
        price: None,
        filled: fill.quantity,
        status: VenueStatus::Working,
        updated_at: fill.ts_event,
    }
}
