//! What orders do to the exposure: they open, trade, are lost from sight and close.

use super::RiskError;
use super::exposure::{Execution, Exposure, Leg};
use super::open_orders::OpenOrder;
use crate::orders::{OrderRequest, OrderType};
use crate::types::{ClientOrderId, Money, Price, Quantity, SCALE, Side, units};

impl Exposure {
    /// An approved order works from now on. An id that is known changes nothing.
    ///
    /// # Errors
    /// Overflow; nothing is changed then.
    pub fn open(&mut self, request: &OrderRequest) -> Result<(), RiskError> {
        if self.orders.contains(&request.client_order_id) {
            return Ok(());
        }
        let index = self.row_of(&request.symbol);
        let last = self.rows.get(index).map(|row| row.price).filter(|price| *price > Price::ZERO);
        let price = request.order_type.price().or(last).unwrap_or(request.reference_price);
        let value = self.worth(index, price, request.quantity.signed(true))?;
        let (side, adds, quantity) = (request.side, !request.reduce_only, request.quantity.raw());
        if adds {
            let price = last.unwrap_or_default();
            self.change(index, request.strategy, price, self.totals.equity, |leg| leg.with(side, value, quantity))?;
        }
        let rests = matches!(request.order_type, OrderType::Limit(_));
        let (strategy, remaining) = (request.strategy, request.quantity);
        let order = OpenOrder { row: index, strategy, side, price, remaining, value, adds, rests, unknown: false };
        self.orders.insert(request.client_order_id, order);
        if let (OrderType::Limit(limit), Some(row)) = (request.order_type, self.rows.get_mut(index)) {
            row.resting.push((request.client_order_id, side, limit));
            match side {
                Side::Buy => row.best_bid = Some(row.best_bid.map_or(limit, |best| best.max(limit))),
                Side::Sell => row.best_ask = Some(row.best_ask.map_or(limit, |best| best.min(limit))),
            }
        }
        Ok(())
    }

    /// An order is over (filled, cancelled, expired, rejected). Returns whether it worked.
    ///
    /// # Errors
    /// Overflow; nothing is changed then.
    pub fn close(&mut self, client_order_id: &ClientOrderId) -> Result<bool, RiskError> {
        let Some(order) = self.orders.get(client_order_id).copied() else { return Ok(false) };
        self.release(&order, order.value)?;
        self.forget(client_order_id);
        Ok(true)
    }

    /// An order that holds nothing back any more leaves.
    fn forget(&mut self, client_order_id: &ClientOrderId) {
        let Some(order) = self.orders.remove(client_order_id) else { return };
        let Some(row) = self.rows.get_mut(order.row) else { return };
        row.unknown = row.unknown.saturating_sub(u32::from(order.unknown));
        if order.rests
            && let Some(at) = row.resting.iter().position(|resting| resting.0 == *client_order_id)
        {
            row.resting.swap_remove(at);
            row.find_best();
        }
    }

    /// Nobody knows the order's state (or somebody does again): it blocks adding to its instrument.
    ///
    /// # Errors
    /// No such order.
    pub fn set_unknown(&mut self, client_order_id: &str, unknown: bool) -> Result<(), RiskError> {
        let order = self
            .orders
            .get_by_text(client_order_id)
            .ok_or_else(|| RiskError::Order { client_order_id: client_order_id.to_owned(), problem: "not working" })?;
        if order.unknown != unknown {
            order.unknown = unknown;
            if let Some(row) = self.rows.get_mut(order.row) {
                row.unknown = if unknown { row.unknown + 1 } else { row.unknown.saturating_sub(1) };
            }
        }
        Ok(())
    }

    /// An execution: position, price, equity and what is left of the order. The order is over when nothing is left.
    ///
    /// # Errors
    /// Overflow; nothing but the price is changed then.
    pub fn fill(&mut self, fill: &Execution) -> Result<(), RiskError> {
        let order = self.orders.get(&fill.client_order_id).copied();
        let index = self.row_of(&fill.symbol);
        let strategy = order.map_or(fill.strategy, |order| order.strategy);
        let alone = self.rows.get(index).is_some_and(
            |row| matches!(row.shares.as_slice(), [share] if share.strategy == strategy && share.leg == row.leg),
        );
        if !alone {
            // Other strategies in the instrument see the price too.
            self.mark_row(index, fill.price)?;
        }
        let delta = fill.quantity.signed(fill.side.is_buy());
        let (held, worth) = self.rows.get(index).map(|row| (row.leg.quantity, row.leg.value)).unwrap_or_default();
        let held = held.plus(delta)?;
        let after = self.worth(index, fill.price, held)?;
        let paid = self.worth(index, fill.price, delta)?;
        let equity = self.totals.equity.minus(paid)?.minus(fill.fee)?.plus(after.minus(worth)?)?;
        let (mut remaining, mut left, mut release, mut done) = (Quantity::ZERO, Money::ZERO, Money::ZERO, 0);
        if let Some(order) = &order {
            remaining = Quantity::from_raw((order.remaining.raw() - fill.quantity.raw()).max(0));
            left = self.worth(index, order.price, remaining.signed(true))?;
            if order.adds {
                (release, done) = (order.value.minus(left)?, order.remaining.raw() - remaining.raw());
            }
        }
        let price = fill.price;
        let multiplier = self.rows.get(index).map_or(Quantity::from_raw(SCALE), |row| row.instrument.multiplier);
        self.change(index, strategy, price, equity, |leg| {
            // The strategy holds what the whole holds, or its own part of it.
            let quantity = leg.quantity.plus(delta)?;
            let value = if quantity == held { after } else { price.value(units(quantity, multiplier)?)? };
            Leg { quantity, value, ..leg }.with(fill.side, release.negated(), -done)
        })?;
        if order.is_some() && remaining == Quantity::ZERO {
            // With nothing left it holds nothing back: what it held was released above.
            self.forget(&fill.client_order_id);
        } else if let Some(order) = self.orders.get_mut(&fill.client_order_id) {
            (order.remaining, order.value) = (remaining, left);
        }
        Ok(())
    }

    fn release(&mut self, order: &OpenOrder, value: Money) -> Result<(), RiskError> {
        if !order.adds {
            return Ok(());
        }
        let price = self.rows.get(order.row).map(|row| row.price).unwrap_or_default();
        let remaining = order.remaining.raw();
        self.change(order.row, order.strategy, price, self.totals.equity, |leg| {
            leg.with(order.side, value.negated(), -remaining)
        })
    }
}
