//! Changing a working order at the practice venue's desk.

use super::contingency::Leg;
use super::desk::{Closed, Desk};
use super::report::{Amendment, OrderRecord, VenueError, VenueEvent};
use crate::orders::{OrderEventKind, OrderRequest, OrderType};
use crate::types::{Price, Quantity, UtcNanos};

/// The order type with new prices; `None` for a price that it does not have.
const fn with_prices(order_type: OrderType, limit: Option<Price>, trigger: Option<Price>) -> Option<OrderType> {
    use OrderType as T;
    Some(match (order_type, limit, trigger) {
        (unchanged, None, None) => unchanged,
        (T::Limit(_), Some(limit), None) => T::Limit(limit),
        (T::Stop(_), None, Some(trigger)) => T::Stop(trigger),
        (T::TakeProfit(_), None, Some(trigger)) => T::TakeProfit(trigger),
        (T::StopLimit { trigger, .. }, Some(limit), None)
        | (T::StopLimit { limit, .. }, None, Some(trigger))
        | (T::StopLimit { .. }, Some(limit), Some(trigger)) => T::StopLimit { trigger, limit },
        (T::TakeProfitLimit { trigger, .. }, Some(limit), None)
        | (T::TakeProfitLimit { limit, .. }, None, Some(trigger))
        | (T::TakeProfitLimit { .. }, Some(limit), Some(trigger)) => T::TakeProfitLimit { trigger, limit },
        _ => return None,
    })
}

impl Desk {
    /// The leg that an order is of the bracket, if it is.
    fn leg_of(&self, rank: u64) -> Option<Leg> {
        Leg::BOTH.into_iter().find(|leg| self.bracket.order(*leg) == Some(rank))
    }

    /// The position does without this leg from now on.
    pub(super) fn forget_leg(&mut self, rank: u64) {
        let (stop, target) = self.bracket.levels();
        match self.leg_of(rank) {
            Some(Leg::StopLoss) => self.bracket.set(None, target),
            Some(Leg::TakeProfit) => self.bracket.set(stop, None),
            None => {}
        }
    }

    /// See [`super::PracticeVenue::amend`].
    pub(super) fn amend(
        &mut self,
        rank: u64,
        change: Amendment,
        now: UtcNanos,
    ) -> Result<(Vec<VenueEvent>, Option<Closed>), VenueError> {
        let mut events = Vec::new();
        let Some(order) = self.orders.get(&rank) else { return Ok((events, None)) };
        let (filled, before) = (order.state.filled(), order.request);
        let request = self.amended(order, change, now)?;
        if request.quantity <= filled {
            let reason = format!("amended to {}, and {filled} are filled", request.quantity);
            let closed = self.step(rank, OrderEventKind::Cancel, now, reason, &mut events)?;
            return Ok((events, closed));
        }
        if request == before {
            return Ok((events, None));
        }
        let priced = request.order_type != before.order_type;
        let asleep = request.order_type.is_conditional() && !order.triggered;
        if priced && asleep && !order.protective {
            // The order type is none that trails, so the best price is of no account.
            self.triggers.insert(rank, &request.order_type, request.side, Price::ZERO)?;
        }
        if let Some(leg) = self.leg_of(rank) {
            let (price, (stop, target)) = (request.order_type.price().unwrap_or_default(), self.bracket.levels());
            match leg {
                Leg::StopLoss => self.bracket.set(Some(price), target),
                Leg::TakeProfit => self.bracket.set(stop, Some(price)),
            }
            let left = Quantity::from_raw(request.quantity.raw() - filled.raw());
            self.bracket.placed(leg, rank, request.side, price, left);
        }
        if let Some(order) = self.orders.get_mut(&rank) {
            order.request = request;
            if priced {
                order.eligible_from = now;
            }
        }
        let closed = self.step(rank, OrderEventKind::Amend, now, terms(&before, &request), &mut events)?;
        Ok((events, closed))
    }

    /// The order as it would be; nothing is changed.
    fn amended(&self, order: &OrderRecord, change: Amendment, now: UtcNanos) -> Result<OrderRequest, VenueError> {
        let (mut request, client_order_id) = (order.request, order.request.client_order_id);
        let refuse =
            |problem, value: String, way_out| Err(VenueError::Unsupported { client_order_id, problem, value, way_out });
        if let Some(quantity) = change.quantity {
            if order.protective && quantity != request.quantity {
                let way_out = "a protective order is as large as its position; cancel it, or change the position";
                return refuse("the quantity cannot be set to", quantity.to_string(), way_out);
            }
            if quantity > request.quantity {
                let way_out = "submit the difference as a new order, which passes the risk gate";
                return refuse("the quantity cannot be raised to", quantity.to_string(), way_out);
            }
            if quantity < Quantity::ZERO {
                return refuse("there is no quantity", quantity.to_string(), "use 0 or more");
            }
            request.quantity = quantity;
        }
        request.display = request.display.map(|display| display.at_most(request.quantity));
        if order.triggered && change.trigger.is_some() {
            let trigger = change.trigger.unwrap_or_default().to_string();
            return refuse("its trigger has traded, so it cannot be", trigger, "amend its limit, or cancel it");
        }
        let Some(order_type) = with_prices(request.order_type, change.limit, change.trigger) else {
            let price = change.limit.or(change.trigger).unwrap_or_default().to_string();
            let way_out = "change only the prices that its type has; a trailing stop has none";
            return refuse("its type does not have the price", price, way_out);
        };
        request.order_type = order_type;
        if request.quantity > order.state.filled() {
            request.validate(&self.instrument, now)?;
        }
        Ok(request)
    }
}

/// What changed, as `name=value` pairs.
fn terms(before: &OrderRequest, after: &OrderRequest) -> String {
    let mut terms = Vec::new();
    if before.quantity != after.quantity {
        terms.push(format!("quantity={}", after.quantity));
    }
    let (was, is) = (before.order_type, after.order_type);
    for (name, was, is) in [("limit", was.limit(), is.limit()), ("trigger", was.trigger(), is.trigger())] {
        if let Some(price) = is.filter(|_| was != is) {
            terms.push(format!("{name}={price}"));
        }
    }
    terms.join(" ")
}
