//! Changing an order: throttled, ruled on as the order it would become, then the venue's rules of priority.

use super::engine::{DeskError, ExecutionDesk};
use super::throttle::{Admission, Operation};
use crate::matching::OrderRecord;
use crate::matching::exchange::OrderChange;
use crate::orders::{OrderRequest, OrderType};
use crate::risk::{Outcome, Refused};
use crate::types::{ClientOrderId, Quantity, UtcNanos};

/// Rules about an order being new, which a change is not.
const ABOUT_NEW_ORDERS: [&str; 4] = ["duplicate_id", "duplicate_intent", "decision_once", "order_rate"];

/// What is left of an order, under its changed terms: what the gate reserves for it.
fn leaves_of(record: &OrderRecord, change: &OrderChange) -> OrderRequest {
    let mut request = record.request;
    let whole = change.quantity.unwrap_or(request.quantity);
    request.quantity = Quantity::from_raw(whole.raw().saturating_sub(record.state.filled().raw()).max(0));
    let (limit, trigger) = (change.limit, change.trigger);
    request.order_type = match request.order_type {
        OrderType::Limit(old) => OrderType::Limit(limit.unwrap_or(old)),
        OrderType::Stop(old) => OrderType::Stop(trigger.unwrap_or(old)),
        OrderType::TakeProfit(old) => OrderType::TakeProfit(trigger.unwrap_or(old)),
        OrderType::StopLimit { trigger: wakes, limit: old } => {
            OrderType::StopLimit { trigger: trigger.unwrap_or(wakes), limit: limit.unwrap_or(old) }
        }
        OrderType::TakeProfitLimit { trigger: wakes, limit: old } => {
            OrderType::TakeProfitLimit { trigger: trigger.unwrap_or(wakes), limit: limit.unwrap_or(old) }
        }
        same => same,
    };
    // An iceberg shows no more than is left.
    request.display = request.display.map(|display| display.at_most(request.quantity));
    request
}

impl ExecutionDesk {
    /// Change an order: throttled, and ruled on like a new order for what would be left of it.
    ///
    /// # Errors
    /// No such order, one that is over, throttled, refused by the gate or the venue; nothing was changed.
    pub fn amend(&mut self, id: &ClientOrderId, change: &OrderChange, now: UtcNanos) -> Result<(), DeskError> {
        self.ring.ready();
        let unknown = DeskError::UnknownOrder { client_order_id: *id };
        let record = self.exchange.order(self.account, id).ok_or(unknown)?;
        let (before, after) = (leaves_of(record, &OrderChange::default()), leaves_of(record, change));
        if let Some(throttle) = &mut self.throttle
            && let Admission::Wait { until } | Admission::Refuse { until, .. } = throttle.admit(Operation::Amend, now)
        {
            return Err(DeskError::Throttled { operation: "amend", bucket: "amends or total", until });
        }
        // The order as it is must not count beside the order as it would be, so it is taken out while the gate looks.
        self.look_at_legs(&after)?;
        let reserved = self.exposure.close(id)?;
        let ruled = self.rule_on(&after, now);
        let mut events = std::mem::take(&mut self.scratch);
        let done = match ruled {
            Ok(()) => self.exchange.amend(self.account, id, change, now, &mut events).map_err(DeskError::from),
            refused => refused,
        };
        let reopened = match (reserved, &done) {
            (false, _) => Ok(()),
            (true, Ok(())) => self.exposure.open(&after),
            (true, Err(_)) => self.exposure.open(&before),
        };
        let told = self.absorb(&mut events);
        self.scratch = events;
        done?;
        self.counts.amends += 1;
        reopened?;
        told?;
        self.settle_parents(now);
        Ok(())
    }

    fn rule_on(&self, wanted: &OrderRequest, now: UtcNanos) -> Result<(), DeskError> {
        let Some(listed) = self.listed.get(self.slot(&wanted.symbol)?) else { return Ok(()) };
        let verdict = self.gate.preview(wanted, &listed.instrument, &self.exposure, listed.market, now)?;
        let breach = verdict
            .lines()
            .find(|(rule, line)| line.outcome == Outcome::Breach && !ABOUT_NEW_ORDERS.contains(&rule.name));
        match breach {
            Some((rule, line)) => Err(Refused { rule, line: *line, problem: String::new() }.into()),
            None => Ok(()),
        }
    }
}
